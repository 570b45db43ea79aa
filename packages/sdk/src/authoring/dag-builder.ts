import type { TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import type { AnyAsset } from './asset.ts';
import type { CheckedTaskDefaults } from './read-task-defaults.ts';
import { readTaskSpec, type AuthoredTask } from './read-task-spec.ts';
import { createTaskRef, type TaskRef } from './task-ref.ts';
import type { Inputs, TaskSpec } from './task-spec.ts';
import type { TaskValue } from './task-value.ts';

/** What `dag()` hands to its callback: one method for each kind of thing that a dag is made of. Of no use once the callback has returned. */
export interface DagBuilder<Params, Extra> {
  /**
   * Adds a task and returns its ref, to be named in the `inputs` or `after` of later ones. The types of `run`'s inputs follow from the
   * refs. Throws a `DefinitionError` for anything that does not hold.
   *
   * @example
   * const rows = d.task('extract', { run: () => [1, 2, 3] });
   * const total = d.task('total', { inputs: { rows }, retries: 2, run: ({ rows }) => rows.reduce((sum, row) => sum + row, 0) });
   * d.task('load', { inputs: { total }, run: ({ total }, { log }) => log.info('loaded', { total }) });
   */
  task<
    const I extends Inputs = {},
    R = void,
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly AnyAsset[] = readonly [],
  >(
    taskId: string,
    spec: TaskSpec<I, R, Rule, O, Params, Extra>,
  ): TaskRef<TaskValue<R>>;
}

/** A builder, and the way to end building. */
export interface OpenDagBuilder {
  readonly builder: DagBuilder<never, never>;
  /** The tasks in the order they were added. Adding another one after this throws. */
  readonly close: () => readonly AuthoredTask[];
}

/** A builder for one dag. */
export function createDagBuilder(dagId: string, defaults: CheckedTaskDefaults): OpenDagBuilder {
  const tasks: AuthoredTask[] = [];
  const refs = new Map<string, TaskRef<unknown>>();
  let isClosed = false;
  return {
    builder: Object.freeze<DagBuilder<never, never>>({
      task(taskId, spec) {
        if (isClosed) {
          throw new DefinitionError(
            `dag "${dagId}", task ${JSON.stringify(taskId)}`,
            'it was added after the callback of dag() had returned; add all tasks inside the callback, without await',
          );
        }
        tasks.push(readTaskSpec({ dagId, defaults, refs }, taskId, spec));
        const ref = createTaskRef<never>(dagId, taskId);
        refs.set(taskId, ref);
        return ref;
      },
    }),
    close() {
      isClosed = true;
      return tasks;
    },
  };
}
