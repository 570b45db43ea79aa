import { decodeJson, LOG_LEVELS, type JsonValue, type SerializedTask, type TryOutcome } from '@tradewind/protocol';
import type { TaskHandler } from '../authoring/definition.ts';
import { EMPTY_OPERATOR } from '../authoring/operators/empty.ts';
import type { TaskLog } from '../authoring/task-context.ts';
import { runHandler } from '../worker/run-handler.ts';
import { createTaskContext } from '../worker/task-context.ts';
import type { EmittedAssetEvent, LoggedLine, TaskResult } from './dag-run-result.ts';
import type { PreparedRun } from './prepare-run.ts';

/** Tries a task until it succeeds, skips itself, fails for good or has no retry left. */
export async function runTask(run: PreparedRun, task: SerializedTask, inputs: Readonly<Record<string, unknown>>): Promise<TaskResult> {
  const handler = handlerOf(run, task);
  if (handler === undefined) return { ...untried('success'), value: null };
  const maxTries = task.retries + 1;
  const log: LoggedLine[] = [];
  for (let tryNumber = 1; ; tryNumber += 1) {
    const context = createTaskContext(
      { ...run.context, taskId: task.taskId, tryNumber, maxTries },
      { signal: run.signal, outlets: task.outlets, log: recordTo(log) },
    );
    const outcome = await runHandler(handler, structuredClone(inputs), context);
    const isFinal = outcome.result !== 'failed' || outcome.failure.kind === 'fail_without_retry' || tryNumber === maxTries;
    if (isFinal) return { ...readOutcome(task.taskId, outcome), tries: tryNumber, log };
  }
}

/** The result of a task whose code did not run. */
export function untried(state: TaskResult['state']): TaskResult {
  return { state, value: undefined, tries: 0, error: undefined, skipReason: undefined, events: [], log: [] };
}

/** What to run for a task: its fake or its own code; undefined for an empty task. */
function handlerOf({ dag, fakes }: PreparedRun, { taskId, operator }: SerializedTask): TaskHandler | undefined {
  const own = operator === EMPTY_OPERATOR ? undefined : dag.handlers.get(taskId);
  if (!Object.hasOwn(fakes, taskId)) return own;
  const fake = fakes[taskId];
  return typeof fake === 'function' ? (fake as TaskHandler) : () => fake;
}

function readOutcome(taskId: string, outcome: TryOutcome): TaskResult {
  switch (outcome.result) {
    case 'success':
      return {
        ...untried('success'),
        value: decodeJson(outcome.valueJson),
        events: outcome.events.map((event) => readEvent(taskId, event)),
      };
    case 'skipped':
      return { ...untried('skipped'), skipReason: outcome.reason };
    case 'failed':
      return { ...untried('failed'), error: outcome.failure };
  }
}

function readEvent(taskId: string, { assetName, extraJson }: { assetName: string; extraJson: string }): EmittedAssetEvent {
  const extra: JsonValue = decodeJson(extraJson);
  return { assetName, taskId, extra };
}

function recordTo(lines: LoggedLine[]): TaskLog {
  const entries = LOG_LEVELS.map((level) => [
    level,
    (event: string, fields: LoggedLine['fields'] = {}) => {
      lines.push({ level, event, fields });
    },
  ]);
  return Object.fromEntries(entries) as TaskLog;
}
