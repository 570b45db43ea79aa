import type { JsonValue } from '@tradewind/protocol';
import type { Database } from '../database.ts';
import type { TaskInstanceName } from './task-instances.ts';

/** A value that a task instance left behind. Times are milliseconds since the epoch. */
export interface XComSummary {
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly key: string;
  readonly value: JsonValue;
  readonly createdAt: number;
  readonly logicalAt: number | null;
  readonly runAfterAt: number;
}

/** One value of a task instance. */
export async function findXCom(database: Database, name: TaskInstanceName, key: string): Promise<XComSummary | undefined> {
  const row = await database.reads
    .selectFrom('xcom')
    .innerJoin('dagRun', 'dagRun.id', 'xcom.dagRunId')
    .leftJoin('dag', 'dag.dagId', 'dagRun.dagId')
    .select([
      'dagRun.dagId',
      'dag.displayName',
      'dagRun.runId',
      'xcom.taskId',
      'xcom.mapIndex',
      'xcom.key',
      'xcom.value',
      'xcom.createdAt',
      'dagRun.logicalAt',
      'dagRun.runAfterAt',
    ])
    .where('dagRun.dagId', '=', name.dagId)
    .where('dagRun.runId', '=', name.runId)
    .where('xcom.taskId', '=', name.taskId)
    .where('xcom.mapIndex', '=', name.mapIndex)
    .where('xcom.key', '=', key)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { displayName, ...xcom } = row;
  return { ...xcom, dagDisplayName: displayName ?? row.dagId, value: JSON.parse(row.value) as JsonValue };
}
