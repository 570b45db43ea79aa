import type { Attempt, TaskInstanceState } from '@tradewind/protocol';
import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** An attempt that may run, and where it belongs. Times are milliseconds since the epoch. */
export interface LiveAttempt {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly dagRunId: string;
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly tryNumber: number;
  /** Tries among those that were lost through no fault of the task. */
  readonly losses: number;
  readonly dagVersionId: string;
  readonly logicalAt: number | null;
  readonly runAfterAt: number;
}

/**
 * The states in which an attempt's code may run: a report that it has started comes after it has, and one that was cleared runs until it has ended.
 */
export const RUNNING_ATTEMPT_STATES = ['queued', 'running', 'restarting'] as const satisfies readonly TaskInstanceState[];

/** Finds an attempt; undefined for one that was given up or has ended, whose questions are refused. */
export async function findLiveAttempt(database: Database, { taskInstanceId, epoch }: Attempt): Promise<LiveAttempt | undefined> {
  return database.reads
    .selectFrom('taskInstance')
    .innerJoin('dagRun', 'dagRun.id', 'taskInstance.dagRunId')
    .select([
      sql.ref<string>('taskInstance.id').as('taskInstanceId'),
      'taskInstance.epoch',
      'taskInstance.dagRunId',
      'taskInstance.dagId',
      'taskInstance.runId',
      'taskInstance.taskId',
      'taskInstance.mapIndex',
      'taskInstance.tryNumber',
      'taskInstance.losses',
      'dagRun.dagVersionId',
      'dagRun.logicalAt',
      'dagRun.runAfterAt',
    ])
    .where('taskInstance.id', '=', taskInstanceId)
    .where('taskInstance.epoch', '=', epoch)
    .where('taskInstance.state', 'in', RUNNING_ATTEMPT_STATES)
    .executeTakeFirst();
}

/** The JSON of a version of a dag. */
export async function readSerializedDag(database: Database, dagVersionId: string): Promise<string | undefined> {
  const row = await database.reads.selectFrom('dagVersion').select('serialized').where('id', '=', dagVersionId).executeTakeFirst();
  return row?.serialized;
}
