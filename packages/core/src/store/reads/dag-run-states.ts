import type { DagRunState, TaskInstanceState } from '@tradewind/protocol';
import type { Database } from '../database.ts';

/** Which runs of a dag are asked about. */
export interface WantedRuns {
  readonly dagId: string;
  /** Milliseconds since the epoch. */
  readonly logicalAt: readonly number[];
  readonly runIds: readonly string[];
}

/** A run, and the version that it is on. */
export interface RunWithState {
  readonly id: string;
  readonly runId: string;
  readonly state: DagRunState;
  readonly logicalAt: number | null;
  readonly dagVersionId: string;
}

/** A task instance of such a run. */
export interface TaskInstanceWithState {
  readonly dagRunId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
}

/** The runs that there are with these logical dates or ids, in the order of their logical dates. */
export async function listRunStates(database: Database, { dagId, logicalAt, runIds }: WantedRuns): Promise<readonly RunWithState[]> {
  if (logicalAt.length === 0 && runIds.length === 0) return [];
  return database.reads
    .selectFrom('dagRun')
    .select(['id', 'runId', 'state', 'logicalAt', 'dagVersionId'])
    .where('dagId', '=', dagId)
    .where((is) =>
      is.or([
        ...(logicalAt.length === 0 ? [] : [is('logicalAt', 'in', logicalAt)]),
        ...(runIds.length === 0 ? [] : [is('runId', 'in', runIds)]),
      ]),
    )
    .orderBy('logicalAt')
    .orderBy('id')
    .execute();
}

/** The task instances of these tasks in these runs, without those that were removed. */
export async function listTaskInstanceStates(
  database: Database,
  dagRunIds: readonly string[],
  taskIds: readonly string[],
): Promise<readonly TaskInstanceWithState[]> {
  if (dagRunIds.length === 0 || taskIds.length === 0) return [];
  return database.reads
    .selectFrom('taskInstance')
    .select(['dagRunId', 'taskId', 'mapIndex', 'state'])
    .where('dagRunId', 'in', dagRunIds)
    .where('taskId', 'in', taskIds)
    .where('state', '<>', 'removed')
    .orderBy('taskId')
    .orderBy('mapIndex')
    .execute();
}
