import { sql } from 'kysely';
import type { ValueInRow } from '../../platform/value-store.ts';
import type { Database } from '../database.ts';
import type { LiveAttempt } from './attempts.ts';

/** Which values an attempt wants. */
export interface XComWish {
  readonly taskId: string;
  readonly key: string;
  readonly mapIndex?: number;
  readonly runId?: string;
  readonly includePriorDates?: boolean;
}

/** A value that a task instance left behind. */
export interface PulledXCom extends ValueInRow {
  readonly mapIndex: number;
}

/**
 * The values that an attempt may pull, by map index: of one run of its own dag, or with `includePriorDates` of the newest run up to its own that has any
 * (Airflow's `include_prior_dates`). What an earlier try pushed itself ended with that try.
 */
export async function listPulledXComs(database: Database, attempt: LiveAttempt, wish: XComWish): Promise<readonly PulledXCom[]> {
  const ownPlace = attempt.logicalAt ?? attempt.runAfterAt;
  const rows = await database.reads
    .selectFrom('xcom')
    .innerJoin('dagRun', 'dagRun.id', 'xcom.dagRunId')
    .innerJoin('taskInstance', (join) =>
      join
        .onRef('taskInstance.dagRunId', '=', 'xcom.dagRunId')
        .onRef('taskInstance.taskId', '=', 'xcom.taskId')
        .onRef('taskInstance.mapIndex', '=', 'xcom.mapIndex'),
    )
    .select(['xcom.dagRunId', 'xcom.mapIndex', 'xcom.value', 'xcom.offloaded'])
    .where('dagRun.dagId', '=', attempt.dagId)
    .where('xcom.taskId', '=', wish.taskId)
    .where('xcom.key', '=', wish.key)
    .where((where) => where.or([where('xcom.tryNumber', 'is', null), where('xcom.tryNumber', '=', where.ref('taskInstance.tryNumber'))]))
    .$if(wish.mapIndex !== undefined, (query) => query.where('xcom.mapIndex', '=', wish.mapIndex ?? -1))
    .$if(wish.includePriorDates !== true, (query) => query.where('dagRun.runId', '=', wish.runId ?? attempt.runId))
    .$if(wish.includePriorDates === true, (query) =>
      query.where(sql<boolean>`coalesce(dag_run.logical_at, dag_run.run_after_at) <= ${ownPlace}`),
    )
    .orderBy(sql`coalesce(dag_run.logical_at, dag_run.run_after_at)`, 'desc')
    .orderBy('xcom.dagRunId', 'desc')
    .orderBy('xcom.mapIndex')
    .limit(MOST_VALUES)
    .execute();
  return rows
    .filter(({ dagRunId }) => dagRunId === rows[0]?.dagRunId)
    .map(({ mapIndex, value, offloaded }) => ({ mapIndex, value, offloaded }));
}

/** More map indexes than a task may have (`max_map_length`) unless somebody configures much more. */
const MOST_VALUES = 10_000;
