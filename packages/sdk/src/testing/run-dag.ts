import type { JsonValue, SerializedTask } from '@tradewind/protocol';
import type { Dag } from '../authoring/dag.ts';
import type { DagRunResult, TaskResult } from './dag-run-result.ts';
import { decideTask } from './decide-task.ts';
import { prepareRun, unknownTask, type RunDagOptions } from './prepare-run.ts';
import { runTask, untried } from './run-task.ts';

/**
 * Runs a whole dag in this process: its tasks one after the other in the order of their edges, with trigger rules, skips and
 * retries, and without waiting for retry delays. Values go through JSON, as between processes. Needs no server and no database.
 * `executionTimeout` and `isolation` are the environment's and play no part.
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
  const results = new Map<string, TaskResult>();
  for (const task of dag.serialized.tasks) {
    const decision = decideTask(task.triggerRule, upstreamStates(task, results));
    results.set(task.taskId, decision === 'run' ? await runTask(run, task, readInputs(task, results)) : untried(decision));
  }
  return readResult(dag, results);
}

function upstreamStates(task: SerializedTask, results: ReadonlyMap<string, TaskResult>): TaskResult['state'][] {
  return task.upstream.flatMap((taskId) => results.get(taskId)?.state ?? []);
}

function readInputs(task: SerializedTask, results: ReadonlyMap<string, TaskResult>): Readonly<Record<string, JsonValue | undefined>> {
  return Object.fromEntries(
    Object.entries(task.inputs).map(([name, binding]) => {
      const value = binding.kind === 'literal' ? binding.value : results.get(binding.taskId)?.value;
      return [name, value];
    }),
  );
}

function readResult(dag: Dag, results: ReadonlyMap<string, TaskResult>): DagRunResult {
  const inner = new Set(dag.serialized.tasks.flatMap(({ upstream }) => upstream));
  const leaves = [...results].filter(([taskId]) => !inner.has(taskId));
  const hasFailed = leaves.some(([, { state }]) => state === 'failed' || state === 'upstream_failed');
  return {
    state: hasFailed ? 'failed' : 'success',
    tasks: Object.fromEntries(results),
    task(taskId) {
      const result = results.get(taskId);
      if (result === undefined) throw unknownTask(dag, taskId);
      return result;
    },
    events: [...results.values()].flatMap(({ events }) => events),
  };
}
