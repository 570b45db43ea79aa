import type { JsonValue } from '@tradewind/protocol';
import { sql } from 'kysely';
import { referenceOf, type ValueReference } from '../../platform/value-store.ts';
import type { Database } from '../database.ts';
import { RETURN_VALUE_KEY } from '../transitions/push-xcoms.ts';
import {
  all,
  always,
  column,
  countRows,
  equals,
  isReadable,
  isWithin,
  matchesPattern,
  orderedBy,
  sometimes,
  startsWith,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type Range,
  type ReadableDags,
} from './query-parts.ts';
import type { TaskInstanceName } from './task-instances.ts';

/** A value that a task instance left behind. Times are milliseconds since the epoch. */
export interface XComSummary {
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly key: string;
  /** Null where the value lies elsewhere. */
  readonly value: JsonValue;
  /** Where a large value lies; undefined for one that is here. */
  readonly offloaded: ValueReference | undefined;
  readonly createdAt: number;
  readonly logicalAt: number | null;
  readonly runAfterAt: number;
}

/** What a list of values may be narrowed to. Everything left out does not narrow. */
export interface XComFilter {
  readonly readable: ReadableDags;
  readonly dagId?: string | undefined;
  readonly runId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly key?: string | undefined;
  readonly mapIndex?: number | undefined;
  readonly keyPattern?: string | undefined;
  readonly keyPrefixPattern?: string | undefined;
  readonly dagDisplayNamePattern?: string | undefined;
  readonly dagDisplayNamePrefixPattern?: string | undefined;
  readonly runIdPattern?: string | undefined;
  readonly runIdPrefixPattern?: string | undefined;
  readonly taskIdPattern?: string | undefined;
  readonly taskIdPrefixPattern?: string | undefined;
  readonly logicalDate?: Range | undefined;
  readonly runAfter?: Range | undefined;
}

const DISPLAY_NAME = sql`coalesce(${column('dag.displayName')}, ${column('dagRun.dagId')})`;

/** What a list of values may be ordered by. */
export const XCOM_ORDER = {
  dag_id: always(column('dagRun.dagId')),
  task_id: always(column('xcom.taskId')),
  run_id: always(column('dagRun.runId')),
  map_index: always(column('xcom.mapIndex')),
  key: always(column('xcom.key')),
  timestamp: always(column('xcom.createdAt')),
  run_after: always(column('dagRun.runAfterAt')),
  logical_date: sometimes(column('dagRun.logicalAt')),
} as const;

/** Lists values, a page at a time. */
export async function listXComs(
  database: Database,
  filter: XComFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<XComSummary>> {
  const wanted = conditionOf(filter);
  const from = sql`xcom join dag_run on dag_run.id = xcom.dag_run_id left join dag on dag.dag_id = dag_run.dag_id`;
  const order = sql.join([
    orderedBy(orderBy, XCOM_ORDER, 'xcom.dagRunId'),
    column('xcom.taskId'),
    column('xcom.mapIndex'),
    column('xcom.key'),
  ]);
  const [rows, total] = await Promise.all([
    selectSummaries(database).where(wanted).orderBy(order).limit(page.limit).offset(page.offset).execute(),
    countRows(database, from, wanted),
  ]);
  return { rows: rows.map(toSummary), total };
}

/** What a task of a run returned: of a mapped task by its map index. */
export interface ReturnedValue {
  readonly taskId: string;
  readonly mapIndex: number;
  /** Null where the value lies elsewhere. */
  readonly value: JsonValue;
  /** Where a large value lies; undefined for one that is here. */
  readonly offloaded: ValueReference | undefined;
}

/** What tasks of a run returned, in the order of their map indexes. */
export async function listReturnedValues(
  database: Database,
  dagRunId: string,
  taskIds: readonly string[],
): Promise<readonly ReturnedValue[]> {
  const rows = await database.reads
    .selectFrom('xcom')
    .select(['taskId', 'mapIndex', 'value', 'offloaded'])
    .where('dagRunId', '=', dagRunId)
    .where('taskId', 'in', taskIds)
    .where('key', '=', RETURN_VALUE_KEY)
    .orderBy('taskId')
    .orderBy('mapIndex')
    .execute();
  return rows.map((row) => ({ ...row, value: JSON.parse(row.value) as JsonValue, offloaded: referenceOf(row) }));
}

/** One value of a task instance. */
export async function findXCom(database: Database, name: TaskInstanceName, key: string): Promise<XComSummary | undefined> {
  const { rows } = await listXComs(database, { readable: 'all', ...name, key }, { limit: 1, offset: 0 });
  return rows[0];
}

function selectSummaries(database: Database) {
  return database.reads
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
      'xcom.offloaded',
      'xcom.createdAt',
      'dagRun.logicalAt',
      'dagRun.runAfterAt',
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary({ displayName, ...row }: SummaryRow): XComSummary {
  return { ...row, dagDisplayName: displayName ?? row.dagId, value: JSON.parse(row.value) as JsonValue, offloaded: referenceOf(row) };
}

function conditionOf(filter: XComFilter): Condition {
  return all([
    isReadable('dagRun.dagId', filter.readable),
    equals('dagRun.dagId', filter.dagId),
    equals('dagRun.runId', filter.runId),
    equals('xcom.taskId', filter.taskId),
    equals('xcom.key', filter.key),
    equals('xcom.mapIndex', filter.mapIndex),
    matchesPattern(column('xcom.key'), filter.keyPattern),
    startsWith(column('xcom.key'), filter.keyPrefixPattern),
    matchesPattern(DISPLAY_NAME, filter.dagDisplayNamePattern),
    startsWith(DISPLAY_NAME, filter.dagDisplayNamePrefixPattern),
    matchesPattern(column('dagRun.runId'), filter.runIdPattern),
    startsWith(column('dagRun.runId'), filter.runIdPrefixPattern),
    matchesPattern(column('xcom.taskId'), filter.taskIdPattern),
    startsWith(column('xcom.taskId'), filter.taskIdPrefixPattern),
    isWithin(column('dagRun.logicalAt'), filter.logicalDate),
    isWithin(column('dagRun.runAfterAt'), filter.runAfter),
  ]);
}
