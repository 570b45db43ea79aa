import { isDagId } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { serializeDag } from '../serialization/serialize-dag.ts';
import { checkGraph } from './check-graph.ts';
import { createDagBuilder, type DagBuilder } from './dag-builder.ts';
import type { DagOptions } from './dag-options.ts';
import { DAG_DEFINITION, type DagDefinition } from './definition.ts';
import type { KnownKeywords, ParamSchemas, ParamValues } from './param-schema.ts';
import { readDagOptions } from './read-dag-options.ts';
import type { AuthoredTask } from './read-task-spec.ts';
import type { Schedule, ScheduledExtra } from './schedule.ts';
import { showValue } from './show-value.ts';

declare const PARAMS: unique symbol;
declare const EXTRA: unique symbol;

/** A dag: export it from a dag file. `Params` and `Extra` are what its runs are given. Frozen. */
export interface Dag<out Params = unknown, out Extra = unknown> extends DagDefinition {
  /** Exists for the compiler alone. */
  readonly [PARAMS]: Params;
  /** Exists for the compiler alone. */
  readonly [EXTRA]: Extra;
}

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
  runDefine(where, define, builder);
  const tasks = close();
  checkGraph(where, tasks);
  const definition: DagDefinition = {
    [DAG_DEFINITION]: true,
    dagId,
    serialized: serializeDag({ ...checked, dagId, tasks }),
    handlers: handlersOf(tasks),
  };
  return Object.freeze(definition) as Dag;
}

function runDefine(where: string, define: unknown, builder: DagBuilder<never, never>): void {
  if (typeof define !== 'function') {
    throw new DefinitionError(where, `the last argument of dag() must be a function (d) => { … } and not ${showValue(define)}`);
  }
  const returned: unknown = (define as (d: DagBuilder<never, never>) => unknown)(builder);
  if (typeof (returned as { then?: unknown } | undefined)?.then !== 'function') return;
  // The promise's own failure is told by this error; left alone it would end the process as an unhandled rejection.
  Promise.resolve(returned).catch(() => {});
  throw new DefinitionError(where, 'the callback of dag() is async; define tasks without await, and wait inside their run');
}

function handlersOf(tasks: readonly AuthoredTask[]): DagDefinition['handlers'] {
  return new Map(tasks.map(({ taskId, run }) => [taskId, run]));
}
