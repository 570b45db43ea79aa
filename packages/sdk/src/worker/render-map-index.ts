import { MAX_ID_LENGTH, type SerializedTask, type TryContext } from '@tradewind/protocol';
import type { TaskLog } from '../authoring/task-context.ts';
import { createEngine } from '../templates/create-engine.ts';
import { createTemplateScope } from '../templates/template-scope.ts';
import type { Ask } from './request-channel.ts';

/** The task instance that is to be named. */
export interface NamedTry {
  readonly task: SerializedTask;
  readonly tryContext: TryContext;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly ask: Ask;
  readonly log: TaskLog;
}

/**
 * The name of a task instance in place of its map index, once its value is known; undefined where the task has no template. One that cannot be rendered is a warning
 * in the log: the work is done.
 */
export async function renderMapIndex({ task, tryContext, inputs, ask, log }: NamedTry, value: unknown): Promise<string | undefined> {
  if (task.mapIndexTemplate === undefined) return undefined;
  try {
    const scope = { ...createTemplateScope({ context: tryContext, task, inputs, ask }), ...inputs, value };
    const text = String(await createEngine().parseAndRender(task.mapIndexTemplate, scope)).trim();
    return text === '' ? undefined : text.slice(0, MAX_ID_LENGTH);
  } catch (error) {
    log.warning('mapIndexTemplate could not be rendered; the map index is shown', { error: String(error) });
    return undefined;
  }
}
