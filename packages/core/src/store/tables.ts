/**
 * Every table as the reads see it (snake_case in the database, this spelling here). Times are milliseconds since the epoch, booleans are 0 and 1,
 * and columns that hold JSON are text: both databases then store, compare and return the same.
 */
import type {
  DagTable,
  DagVersionTable,
  DagFileTable,
  ImportErrorTable,
  BackfillTable,
  BackfillDagRunTable,
  TimetableStockTable,
} from './tables/dags.ts';
import type {
  JobTable,
  DagRunTable,
  TaskInstanceTable,
  MappedScopeTable,
  PoolTable,
  TaskInstanceHistoryTable,
  XComTable,
  RenderedTaskInstanceFieldsTable,
  TriggerTable,
  CallbackRequestTable,
  DeadlineTable,
} from './tables/runs.ts';
import type {
  AssetTable,
  AssetWatcherTable,
  DagScheduleAssetTable,
  TaskOutletAssetTable,
  TaskInletAssetTable,
  TaskOutletAliasTable,
  DagAssetTable,
  DagScheduleReferenceTable,
  AssetAliasTable,
  AssetAliasAssetTable,
  AssetAliasEventTable,
  AssetWatcherTypeTable,
  AssetQueueTable,
  QueuedAssetEventTable,
  AssetEventTable,
  DagRunAssetEventTable,
} from './tables/assets.ts';
import type { DataKeyTable, VariableTable, ConnectionTable, SecretFetchTable } from './tables/secrets.ts';
import type { SubscriptionTable, InboxTable, RunRequestTable, OutboxTable } from './tables/federation.ts';

export interface Tables {
  job: JobTable;
  dag: DagTable;
  dagVersion: DagVersionTable;
  dagFile: DagFileTable;
  importError: ImportErrorTable;
  dagRun: DagRunTable;
  taskInstance: TaskInstanceTable;
  taskInstanceHistory: TaskInstanceHistoryTable;
  mappedScope: MappedScopeTable;
  pool: PoolTable;
  xcom: XComTable;
  asset: AssetTable;
  assetWatcher: AssetWatcherTable;
  dagScheduleAsset: DagScheduleAssetTable;
  taskOutletAsset: TaskOutletAssetTable;
  taskInletAsset: TaskInletAssetTable;
  taskOutletAlias: TaskOutletAliasTable;
  dagAsset: DagAssetTable;
  dagScheduleReference: DagScheduleReferenceTable;
  assetAlias: AssetAliasTable;
  assetAliasAsset: AssetAliasAssetTable;
  assetAliasEvent: AssetAliasEventTable;
  assetWatcherType: AssetWatcherTypeTable;
  assetQueue: AssetQueueTable;
  queuedAssetEvent: QueuedAssetEventTable;
  assetEvent: AssetEventTable;
  dagRunAssetEvent: DagRunAssetEventTable;
  subscription: SubscriptionTable;
  inbox: InboxTable;
  runRequest: RunRequestTable;
  outbox: OutboxTable;
  trigger: TriggerTable;
  callbackRequest: CallbackRequestTable;
  deadline: DeadlineTable;
  backfill: BackfillTable;
  backfillDagRun: BackfillDagRunTable;
  timetableStock: TimetableStockTable;
  dataKey: DataKeyTable;
  variable: VariableTable;
  connection: ConnectionTable;
  secretFetch: SecretFetchTable;
  renderedTaskInstanceFields: RenderedTaskInstanceFieldsTable;
}

export type * from './tables/dags.ts';
export type * from './tables/runs.ts';
export type * from './tables/assets.ts';
export type * from './tables/secrets.ts';
export type * from './tables/federation.ts';
