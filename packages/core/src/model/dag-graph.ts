import { decodeJson, type SerializedDag, type SerializedTask, type TaskInstanceState } from '@tradewind/protocol';

/** A task with its neighbours, by place in `DagGraph.tasks`. */
export interface GraphTask {
  readonly task: SerializedTask;
  readonly upstream: readonly number[];
  readonly downstream: readonly number[];
  /** Whether there is nothing to run: such a task succeeds the moment it is ready (Airflow's EmptyOperator without outlets). */
  readonly isEmpty: boolean;
}

/** One version of a dag, indexed for the scheduler. Immutable, and shared by all runs of the version. */
export interface DagGraph {
  readonly dag: SerializedDag;
  readonly file: string;
  readonly tasks: readonly GraphTask[];
  readonly indexOf: ReadonlyMap<string, number>;
}

/** Indexes a stored dag. The dag processor has checked it, so every name resolves. */
export function compileDag(serialized: string, file: string): DagGraph {
  const dag = decodeJson(serialized) as unknown as SerializedDag;
  const indexOf = new Map(dag.tasks.map(({ taskId }, index) => [taskId, index]));
  const downstream: number[][] = dag.tasks.map(() => []);
  const upstream = dag.tasks.map((task, index) =>
    task.upstream.flatMap((taskId) => {
      const from = indexOf.get(taskId);
      if (from === undefined) return [];
      downstream[from]?.push(index);
      return [from];
    }),
  );
  const tasks = dag.tasks.map((task, index) => ({
    task,
    upstream: upstream[index] ?? [],
    downstream: downstream[index] ?? [],
    isEmpty: task.operator === 'empty' && task.outlets.length === 0,
  }));
  return { dag, file, tasks, indexOf };
}

/**
 * How a run ended, once nothing of it is unfinished: failed where a leaf (a task that nothing waits for) failed or could not run, else
 * success. A failure in the middle that a leaf with another rule got over does not fail the run, as in Airflow.
 */
export function decideRunOutcome(graph: DagGraph, stateOf: (index: number) => TaskInstanceState): 'success' | 'failed' {
  const hasFailedLeaf = graph.tasks.some(({ downstream }, index) => {
    const state = stateOf(index);
    return downstream.length === 0 && (state === 'failed' || state === 'upstream_failed');
  });
  return hasFailedLeaf ? 'failed' : 'success';
}
