import { isDagId } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { serializeDag } from '../serialization/serialize-dag.ts';
import { callbackKey, type CallbackHandler } from './callbacks.ts';
import { checkGraph } from './check-graph.ts';
import { createDagBuilder } from './create-dag-builder.ts';
import type { DagBuilder } from './dag-builder.ts';
import type { DagOptions } from './dag-options.ts';
import { DAG_DEFINITION, type Dag, type DagDefinition } from './definition.ts';
import type { AuthoredTask } from './open-dag.ts';
import type { KnownKeywords, ParamSchemas, ParamValues } from './param-schema.ts';
import { readDagOptions, type CheckedDagOptions } from './read-dag-options.ts';
import { runDefine } from './run-define.ts';
import type { Schedule, ScheduledExtra } from './schedule.ts';

/**
 * Defines a dag: runs `define` once, checks what it added, freezes and returns. Nothing of a task's code runs.
 *
 * Throws a `DefinitionError`, which says what is wrong, where, and the way out.
 *
 * @example
 * export const orders = dag('orders', { schedule: '@daily', params: { region: { type: 'string', default: 'eu' } } }, (d) => {
 *   const rows = d.task('extract', { run: (_, { params }) => read(params.region) });
 *   const total = d.task('total', { inputs: { rows }, retries: 2, run: ({ rows }) => sum(rows) });
 *   d.task('load', { inputs: { total }, run: ({ total }) => load(total) });
 * });
 */
export function dag(dagId: string, define: (d: DagBuilder<{}, never>) => void): Dag<{}, never>;
export function dag<const P extends ParamSchemas = {}, const S extends Schedule = null>(
  dagId: string,
  options: DagOptions<P & KnownKeywords<P>, S>,
  define: (d: DagBuilder<ParamValues<P>, ScheduledExtra<S>>) => void,
): Dag<ParamValues<P>, ScheduledExtra<S>>;
export function dag(dagId: string, ...rest: readonly unknown[]): Dag {
  const where = `dag ${JSON.stringify(dagId)}`;
  if (typeof dagId !== 'string' || !isDagId(dagId)) {
    throw new DefinitionError(where, "a dag id is 1 to 250 letters, digits, '_', '-' and '.'");
  }
  const [options, define] = rest.length === 1 ? [{}, rest[0]] : rest;
  const checked = readDagOptions(where, options);
  const { builder, close } = createDagBuilder(dagId, checked.taskDefaults);
  runDefine(where, 'the callback of dag()', define, [builder]);
  const open = close();
  const tasks = checkGraph(where, open);
  checkFailFast(where, checked, tasks);
  const groups = [...open.groups.values()].map(({ serialized }) => serialized);
  const definition: DagDefinition = {
    [DAG_DEFINITION]: true,
    dagId,
    serialized: serializeDag({ ...checked, dagId, tasks, groups }),
    ...functionsOf(tasks),
    callbacks: callbacksOf(checked, tasks),
    ...(checked.timetable === undefined ? {} : { timetable: checked.timetable }),
  };
  return Object.freeze(definition) as Dag;
}

/** Where the first failure ends the run, a rule that waits for failures would never see one (Airflow: `FailFastDagInvalidTriggerRule`). */
function checkFailFast(where: string, { failFast }: CheckedDagOptions, tasks: readonly AuthoredTask[]): void {
  const other = failFast ? tasks.find(({ fields }) => fields.role !== 'teardown' && fields.triggerRule !== 'all_success') : undefined;
  if (other === undefined) return;
  throw new DefinitionError(
    where,
    `failFast is set, and task "${other.taskId}" has the trigger rule '${other.fields.triggerRule}', which would not be asked; use 'all_success' or leave out failFast`,
  );
}

function functionsOf(tasks: readonly AuthoredTask[]): Pick<DagDefinition, 'handlers' | 'resumeHandlers' | 'triggers'> {
  return {
    handlers: new Map(tasks.flatMap(({ taskId, code: { run } }) => (run === undefined ? [] : [[taskId, run]]))),
    resumeHandlers: new Map(tasks.flatMap(({ taskId, code: { resume } }) => (resume === undefined ? [] : [[taskId, resume]]))),
    triggers: new Map(tasks.flatMap(({ taskId, code: { triggers } }) => (triggers === undefined ? [] : [[taskId, triggers]]))),
  };
}

function callbacksOf({ callbacks, deadlines }: CheckedDagOptions, tasks: readonly AuthoredTask[]): DagDefinition['callbacks'] {
  const kept = new Map<string, readonly CallbackHandler[]>();
  for (const [when, handlers] of callbacks) kept.set(callbackKey({ of: 'dag', when }), handlers);
  for (const { serialized, callbacks: handlers } of deadlines) kept.set(callbackKey({ of: 'deadline', name: serialized.name }), handlers);
  for (const task of tasks) {
    for (const [when, handlers] of task.callbacks) kept.set(callbackKey({ of: 'task', taskId: task.taskId, when }), handlers);
  }
  return kept;
}
