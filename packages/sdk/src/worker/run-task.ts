import type { TryOutcome } from '@tradewind/protocol';
import type { TaskLog } from '../authoring/task-context.ts';
import type { FoundCode } from './dag-loader.ts';
import { wrapMappedInputs } from './mapped-inputs.ts';
import { renderMapIndex } from './render-map-index.ts';
import type { Ask } from './request-channel.ts';
import { runHandler } from './run-handler.ts';
import { taskEntry, type EnteredTry } from './task-entry.ts';
import type { CreatedTaskContext } from './task-context.ts';
import { triggerDagRunEntry } from './trigger-dag-run-entry.ts';
import { withRenderedFields } from './with-rendered-fields.ts';

/** One try of a task, with everything that its code is given. */
export interface PreparedTry extends EnteredTry {
  /** As JSON carried them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly created: CreatedTaskContext;
  readonly ask: Ask;
  readonly log: TaskLog;
}

/** Runs one try of a task and says how it ended. Never rejects. The task runner and `runDag` both run a task like this. */
export async function runTask(code: Omit<FoundCode, 'found'>, prepared: PreparedTry): Promise<TryOutcome> {
  const { task, triggers = [], mappedInputs = [] } = code;
  const { tryContext, created, ask, log, clock } = prepared;
  const inputs = wrapMappedInputs(prepared.inputs, mappedInputs);
  const entry =
    code.triggerDagRun === undefined
      ? taskEntry(code, prepared)
      : triggerDagRunEntry(code.triggerDagRun, { ask, resumption: prepared.resumption });
  return runHandler(task === undefined ? entry : withRenderedFields(entry, { task, tryContext, ask }), inputs, created, {
    triggers,
    ...(task?.decision === undefined ? {} : { decision: task.decision }),
    ...(task === undefined ? {} : { labelOf: (value: unknown) => renderMapIndex({ task, tryContext, inputs, ask, log }, value) }),
    ...(clock === undefined ? {} : { now: clock.now }),
  });
}
