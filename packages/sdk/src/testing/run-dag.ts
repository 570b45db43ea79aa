import { compileGraph, type RunGraph } from '@tradewind/protocol';
import type { Dag } from '../authoring/definition.ts';
import type { DagRunResult, TaskInstanceResult, TaskResult } from './dag-run-result.ts';
import { prepareRun, unknownTask, type RunDagOptions } from './prepare-run.ts';
import { untried } from './run-task.ts';
import { valueOf, walkGraph, type InstanceResults } from './walk-graph.ts';

/**
 * Runs a whole dag in this process: its tasks one after the other in the order of their edges, by the rules of the scheduler: trigger rules, choices, mapping, setups
 * and teardowns, skips and retries. Nothing is waited for: retries follow at once, sensors poke until they find something or their timeout would have passed, and
 * timers pass. What a trigger waits for is said in `triggers`. Values go through JSON, as between processes. Needs no server and no database. What belongs to the
 * environment plays no part: `executionTimeout`, `isolation`, pools, the past, callbacks.
 *
 * Rejects with an `SdkError` (`bad_test_run`) where the options do not fit the dag; a failed task is a result and no rejection.
 *
 * @example
 * const { state, task } = await runDag(orders, { params: { region: 'us' }, fakes: { extract: [1, 2, 3] } });
 * expect(state).toBe('success');
 * expect(task('total').value).toBe(6);
 */
export async function runDag<Params, Extra>(
  dag: Dag<Params, Extra>,
  options: RunDagOptions<NoInfer<Params>, NoInfer<Extra>> = {},
): Promise<DagRunResult> {
  const run = prepareRun(dag, options);
  const { results, state } = await walkGraph(run);
  const graph = compileGraph(dag.serialized);
  const tasks = new Map(graph.nodes.map(({ index, task }) => [task.taskId, readTask(results, index, graph)]));
  return {
    state,
    tasks: Object.fromEntries(tasks),
    task(taskId) {
      const result = tasks.get(taskId);
      if (result === undefined) throw unknownTask(dag, taskId);
      return result;
    },
    events: [...tasks.values()].flatMap(({ events }) => events),
    triggeredRuns: run.triggeredRuns,
  };
}

function readTask(results: InstanceResults, place: number, graph: RunGraph): TaskResult {
  const instances = results.get(place) ?? [];
  const [first = untried('skipped', -1)] = instances;
  if (graph.nodes[place]?.scope === undefined) {
    const { mapIndex: _, mapIndexLabel: __, ...result } = first;
    return { ...result, instances: [] };
  }
  return {
    state: stateOfAll(instances),
    value: valueOf(results, place, graph),
    tries: instances.reduce((sum, { tries }) => sum + tries, 0),
    error: instances.find(({ error }) => error !== undefined)?.error,
    skipReason: instances.find(({ skipReason }) => skipReason !== undefined)?.skipReason,
    decision: undefined,
    instances: instances.filter(({ mapIndex }) => mapIndex >= 0),
    events: instances.flatMap(({ events }) => events),
    log: instances.flatMap(({ log }) => log),
  };
}

const STATES_BY_WEIGHT = ['failed', 'upstream_failed', 'success', 'skipped'] as const;

function stateOfAll(instances: readonly TaskInstanceResult[]): TaskResult['state'] {
  return STATES_BY_WEIGHT.find((wanted) => instances.some(({ state }) => state === wanted)) ?? 'skipped';
}
