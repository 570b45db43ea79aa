import type { TaskInstanceState } from '../states.ts';
import type { RunGraph } from './compile-graph.ts';

/**
 * How a run ended, once nothing of it is unfinished: failed where a leaf failed or could not run, else success. A failure in the middle that a leaf with another rule
 * got over does not fail the run, and neither does that of a teardown unless it was told to, as in Airflow.
 *
 * @param statesOf the states of the task instances of a task, by its place
 */
export function decideRunOutcome(graph: RunGraph, statesOf: (index: number) => Iterable<TaskInstanceState>): 'success' | 'failed' {
  for (const { index, isLeaf } of graph.nodes) {
    if (!isLeaf) continue;
    for (const state of statesOf(index)) if (state === 'failed' || state === 'upstream_failed') return 'failed';
  }
  return 'success';
}
