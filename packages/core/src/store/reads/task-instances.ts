import type { JsonObject, TaskInstanceState, TryFailure } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import { isOnVersion, type RunDagVersion } from './dag-runs.ts';
import {
  all,
  always,
  column,
  countRows,
  equals,
  idsOfPage,
  isAnyOf,
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

/** A task instance as lists show it. Times are milliseconds since the epoch. */
export interface TaskInstanceSummary {
  readonly id: string;
  readonly dagRunId: string;
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly tryNumber: number;
  readonly maxTries: number;
  readonly operator: string;
  readonly scheduledAt: number | null;
  readonly queuedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly retryAt: number | null;
  readonly executor: string | null;
  readonly hostname: string | null;
  readonly pid: number | null;
  readonly failure: TryFailure | null;
  /** What the template fields of its last try became, masked; empty where there were none, or too many runs have followed. */
  readonly renderedFields: JsonObject;
  readonly epoch: number;
  readonly pool: string;
  readonly poolSlots: number;
  readonly priorityWeight: number;
  readonly queue: string;
  /** What it is shown by in place of its map index. */
  readonly mapIndexLabel: string | null;
  readonly note: string | null;
  readonly runAfterAt: number;
  readonly logicalAt: number | null;
  readonly dagVersion: RunDagVersion;
}

/** What names a task instance to people. */
export interface TaskInstanceName {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  /** -1 for a task that is not mapped. */
  readonly mapIndex: number;
}

/** One earlier or current attempt at a task instance. */
export interface TrySummary {
  readonly tryNumber: number;
  readonly epoch: number;
  readonly state: TaskInstanceState;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly hostname: string | null;
  readonly pid: number | null;
  readonly failure: TryFailure | null;
}

/** A try with everything that is kept of it. */
export interface TryDetails extends TrySummary {
  readonly scheduledAt: number | null;
  readonly queuedAt: number | null;
  readonly executor: string | null;
  readonly pool: string;
  readonly poolSlots: number;
  readonly priorityWeight: number;
  readonly queue: string;
  readonly mapIndexLabel: string | null;
  readonly note: string | null;
}

/** What a list of task instances may be narrowed to. Everything left out does not narrow; an empty list of values counts as left out. */
export interface TaskInstanceFilter {
  readonly readable: ReadableDags;
  readonly dagId?: string | undefined;
  readonly runId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly dagIdPattern?: string | undefined;
  readonly dagIdPrefixPattern?: string | undefined;
  readonly runIdPattern?: string | undefined;
  readonly runIdPrefixPattern?: string | undefined;
  readonly taskIdPattern?: string | undefined;
  readonly taskIdPrefixPattern?: string | undefined;
  readonly operatorPattern?: string | undefined;
  readonly operatorPrefixPattern?: string | undefined;
  readonly states?: readonly TaskInstanceState[] | undefined;
  readonly executors?: readonly string[] | undefined;
  readonly operators?: readonly string[] | undefined;
  readonly dagVersionNumbers?: readonly number[] | undefined;
  readonly tryNumbers?: readonly number[] | undefined;
  readonly mapIndexes?: readonly number[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly dagIds?: readonly string[] | undefined;
  readonly runIds?: readonly string[] | undefined;
  readonly taskIds?: readonly string[] | undefined;
  /** Leaves out the one that stands for a mapped task that is not expanded yet. */
  readonly isMapped?: boolean | undefined;
  readonly pools?: readonly string[] | undefined;
  readonly poolPattern?: string | undefined;
  readonly poolPrefixPattern?: string | undefined;
  readonly queues?: readonly string[] | undefined;
  readonly queuePattern?: string | undefined;
  readonly queuePrefixPattern?: string | undefined;
  readonly mapIndexLabelPattern?: string | undefined;
  readonly mapIndexLabelPrefixPattern?: string | undefined;
  readonly runAfter?: Range | undefined;
  readonly logicalDate?: Range | undefined;
  readonly startDate?: Range | undefined;
  readonly endDate?: Range | undefined;
  /** In seconds. */
  readonly duration?: Range | undefined;
}

const DURATION_SECONDS = sql`((${column('taskInstance.endedAt')} - ${column('taskInstance.startedAt')}) / 1000.0)`;

/** What a list of task instances may be ordered by. */
export const TASK_INSTANCE_ORDER = {
  id: always(column('taskInstance.id')),
  state: sometimes(sql`nullif(${column('taskInstance.state')}, 'none')`),
  duration: sometimes(DURATION_SECONDS),
  start_date: sometimes(column('taskInstance.startedAt')),
  end_date: sometimes(column('taskInstance.endedAt')),
  map_index: always(column('taskInstance.mapIndex')),
  try_number: always(column('taskInstance.tryNumber')),
  logical_date: sometimes(column('dagRun.logicalAt')),
  run_after: always(column('dagRun.runAfterAt')),
  data_interval_start: sometimes(column('dagRun.intervalStartAt')),
  data_interval_end: sometimes(column('dagRun.intervalEndAt')),
  operator: always(column('taskInstance.operator')),
  rendered_map_index: sometimes(column('taskInstance.mapIndexLabel')),
} as const;

/** Attributes of the run. */
const RUN_ATTRIBUTES: ReadonlySet<string> = new Set(['logical_date', 'run_after', 'data_interval_start', 'data_interval_end']);

/** Lists task instances, a page at a time. */
export async function listTaskInstances(
  database: Database,
  filter: TaskInstanceFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<TaskInstanceSummary>> {
  const ofRun = runConditions(filter);
  const wanted = all([...instanceConditions(filter), ...ofRun]);
  const order = orderedBy(orderBy, TASK_INSTANCE_ORDER, 'taskInstance.id');
  const needsRun = ofRun.some((condition) => condition !== undefined) || orderBy.some(({ attribute }) => RUN_ATTRIBUTES.has(attribute));
  const from = needsRun ? sql`task_instance join dag_run on dag_run.id = task_instance.dag_run_id` : sql.table('taskInstance');
  const ids = idsOfPage({ id: 'taskInstance.id', from, wanted, order, page });
  const [rows, total] = await Promise.all([
    selectSummaries(database).where('taskInstance.id', 'in', ids).orderBy(order).execute(),
    countRows(database, from, wanted),
  ]);
  return { rows: rows.map(toSummary), total };
}

/** One task instance. */
export async function findTaskInstance(database: Database, name: TaskInstanceName): Promise<TaskInstanceSummary | undefined> {
  const row = await selectSummaries(database)
    .where('dagRun.dagId', '=', name.dagId)
    .where('dagRun.runId', '=', name.runId)
    .where('taskInstance.taskId', '=', name.taskId)
    .where('taskInstance.mapIndex', '=', name.mapIndex)
    .executeTakeFirst();
  return row === undefined ? undefined : toSummary(row);
}

/**
 * The tries of a task instance, oldest first, the current one included. A try that was ended by hand is shown with the state that it was given; a task instance that was cleared and has not
 * been scheduled since has no current one.
 */
export async function listTries(database: Database, instance: TaskInstanceSummary): Promise<readonly TryDetails[]> {
  const rows = await database.reads
    .selectFrom('taskInstanceHistory')
    .selectAll()
    .where('taskInstanceId', '=', instance.id)
    .orderBy('epoch')
    .execute();
  const tries = new Map<number, TryDetails>(rows.map((row) => [row.tryNumber, { ...row, failure: parseFailure(row.failure) }]));
  const isShown = instance.tryNumber > 0 && instance.scheduledAt !== null;
  if (isShown) tries.set(instance.tryNumber, instance);
  return [...tries.values()].toSorted((one, other) => one.tryNumber - other.tryNumber);
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('taskInstance')
    .innerJoin('dagRun', 'dagRun.id', 'taskInstance.dagRunId')
    .innerJoin('dagVersion', 'dagVersion.id', 'dagRun.dagVersionId')
    .leftJoin('dag', 'dag.dagId', 'dagRun.dagId')
    .leftJoin('renderedTaskInstanceFields as rendered', (join) =>
      join.onRef('rendered.taskInstanceId', '=', 'taskInstance.id').onRef('rendered.tryNumber', '=', 'taskInstance.tryNumber'),
    )
    .select([
      'taskInstance.id',
      'taskInstance.dagRunId',
      'taskInstance.dagId',
      'taskInstance.runId',
      'taskInstance.taskId',
      'taskInstance.mapIndex',
      'taskInstance.state',
      'taskInstance.tryNumber',
      'taskInstance.maxTries',
      'taskInstance.operator',
      'taskInstance.scheduledAt',
      'taskInstance.queuedAt',
      'taskInstance.startedAt',
      'taskInstance.endedAt',
      'taskInstance.retryAt',
      'taskInstance.executor',
      'taskInstance.hostname',
      'taskInstance.pid',
      'taskInstance.failure',
      'taskInstance.epoch',
      'taskInstance.pool',
      'taskInstance.poolSlots',
      'taskInstance.priorityWeight',
      'taskInstance.queue',
      'taskInstance.mapIndexLabel',
      'taskInstance.note',
      'dagRun.runAfterAt',
      'dagRun.logicalAt',
      'dagRun.dagVersionId',
      'dagVersion.versionNumber',
      'dagVersion.bundleVersion as versionBundleVersion',
      'dagVersion.bundleName',
      'dagVersion.createdAt as versionCreatedAt',
      'dag.displayName',
      'rendered.fields as renderedFields',
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): TaskInstanceSummary {
  const { dagVersionId, versionNumber, versionBundleVersion, bundleName, versionCreatedAt, displayName, ...instance } = row;
  return {
    ...instance,
    failure: parseFailure(row.failure),
    renderedFields: JSON.parse(row.renderedFields ?? '{}') as JsonObject,
    dagDisplayName: displayName ?? row.dagId,
    dagVersion: { id: dagVersionId, versionNumber, bundleName, bundleVersion: versionBundleVersion, createdAt: versionCreatedAt },
  };
}

function parseFailure(text: string | null): TryFailure | null {
  return text === null ? null : (JSON.parse(text) as TryFailure);
}

/** What is asked of the task instance itself. */
function instanceConditions(filter: TaskInstanceFilter): readonly (Condition | undefined)[] {
  return [
    equals('taskInstance.taskId', filter.taskId),
    matchesPattern(column('taskInstance.taskId'), filter.taskIdPattern),
    startsWith(column('taskInstance.taskId'), filter.taskIdPrefixPattern),
    matchesPattern(column('taskInstance.operator'), filter.operatorPattern),
    startsWith(column('taskInstance.operator'), filter.operatorPrefixPattern),
    isAnyOf('taskInstance.state', filter.states),
    isAnyOf('taskInstance.executor', filter.executors),
    isAnyOf('taskInstance.operator', filter.operators),
    isAnyOf('taskInstance.tryNumber', filter.tryNumbers),
    isAnyOf('taskInstance.mapIndex', filter.mapIndexes),
    isAnyOf('taskInstance.id', filter.ids),
    isAnyOf('taskInstance.taskId', filter.taskIds),
    filter.isMapped === true ? sql<SqlBool>`${column('taskInstance.mapIndex')} >= 0` : undefined,
    isAnyOf('taskInstance.pool', filter.pools),
    matchesPattern(column('taskInstance.pool'), filter.poolPattern),
    startsWith(column('taskInstance.pool'), filter.poolPrefixPattern),
    isAnyOf('taskInstance.queue', filter.queues),
    matchesPattern(column('taskInstance.queue'), filter.queuePattern),
    startsWith(column('taskInstance.queue'), filter.queuePrefixPattern),
    matchesPattern(column('taskInstance.mapIndexLabel'), filter.mapIndexLabelPattern),
    startsWith(column('taskInstance.mapIndexLabel'), filter.mapIndexLabelPrefixPattern),
    isWithin(column('taskInstance.startedAt'), filter.startDate),
    isWithin(column('taskInstance.endedAt'), filter.endDate),
    isWithin(DURATION_SECONDS, filter.duration),
  ];
}

/** What is asked of its run; only then are the runs looked at. */
function runConditions(filter: TaskInstanceFilter): readonly (Condition | undefined)[] {
  return [
    isReadable('dagRun.dagId', filter.readable),
    equals('dagRun.dagId', filter.dagId),
    equals('dagRun.runId', filter.runId),
    isAnyOf('dagRun.dagId', filter.dagIds),
    isAnyOf('dagRun.runId', filter.runIds),
    matchesPattern(column('dagRun.dagId'), filter.dagIdPattern),
    startsWith(column('dagRun.dagId'), filter.dagIdPrefixPattern),
    matchesPattern(column('dagRun.runId'), filter.runIdPattern),
    startsWith(column('dagRun.runId'), filter.runIdPrefixPattern),
    isOnVersion(filter.dagVersionNumbers),
    isWithin(column('dagRun.runAfterAt'), filter.runAfter),
    isWithin(column('dagRun.logicalAt'), filter.logicalDate),
  ];
}
