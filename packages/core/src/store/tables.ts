/**
 * Every table as the reads see it (snake_case in the database, this spelling here). Times are milliseconds since the epoch, booleans are 0 and 1,
 * and columns that hold JSON are text: both databases then store, compare and return the same.
 */
import type { CallbackState, DagRunState, DagRunTriggeredBy, DagRunType, TaskInstanceState } from '@tradewind/protocol';
import type { Generated } from 'kysely';
import type { BackfillExceptionReason, ReprocessBehavior } from '../model/backfill/backfill.ts';

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

/** One incarnation of a process. Its id is the term that fences what it writes (adr/0005). */
export interface JobTable {
  id: Generated<number>;
  kind: 'scheduler' | 'dag_processor' | 'triggerer';
  hostname: string;
  pid: number;
  startedAt: number;
  /** By the database's clock, as is `expiresAt`. */
  heartbeatAt: number;
  expiresAt: number;
  endedAt: number | null;
}

export interface DagTable {
  dagId: string;
  /** As model/bundle-file.ts names it. */
  file: string;
  bundleName: Generated<string>;
  isPaused: number;
  /** 1 when no file defines it any more. */
  isStale: number;
  dagVersionId: string;
  bundleVersion: string;
  displayName: string | null;
  description: string | null;
  owner: string | null;
  /** JSON list of text. */
  tags: string;
  /** JSON of the protocol's SerializedSchedule. */
  schedule: string;
  scheduleSummary: string | null;
  catchup: number;
  maxActiveRuns: number;
  maxActiveTasks: number;
  /** When the next scheduled run is due; null where no clock starts the dag. */
  nextRunAt: number | null;
  /** When a scheduler noticed that it was stale. */
  staleAt: number | null;
  parsedAt: number;
  parseMs: number;
  createdAt: number;
}

export interface DagVersionTable {
  id: string;
  dagId: string;
  versionNumber: number;
  contentHash: string;
  bundleName: Generated<string>;
  bundleVersion: string;
  /** The file that defines it, as model/bundle-file.ts names it. */
  file: Generated<string>;
  /** JSON of the protocol's SerializedDag. */
  serialized: string;
  createdAt: number;
  /** JSON list of the protocol's SerializedDeadline, computed by the database; null where there are none. */
  deadlines: string | null;
}

export interface DagFileTable {
  path: string;
  contentHash: string;
  /** JSON record: path → content hash of each bundle file that it imports. */
  dependencies: string;
  /** JSON list of text: what is odd about the file and does not keep its dags from running. */
  warnings: string;
  parsedAt: number;
}

export interface ImportErrorTable {
  id: Generated<number>;
  path: string;
  message: string;
  line: number | null;
  columnNumber: number | null;
  excerpt: string | null;
  stack: string | null;
  createdAt: number;
}

export interface DagRunTable {
  id: string;
  dagId: string;
  runId: string;
  runType: DagRunType;
  state: DagRunState;
  triggeredBy: DagRunTriggeredBy;
  triggeringUser: string | null;
  /** JSON object. */
  conf: string;
  note: string | null;
  logicalAt: number | null;
  intervalStartAt: number | null;
  intervalEndAt: number | null;
  runAfterAt: number;
  queuedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  dagVersionId: string;
  bundleVersion: string;
  /** The scheduler that holds the run: id of its job. */
  schedulerTerm: number | null;
  /** Raised by everyone but the holder who changes the run or its task instances, so that the holder reads again. */
  revision: Generated<number>;
  /** The tick that may change the run within its own transaction; meaningless outside of it. */
  heldByTick: string | null;
  lastScheduledAt: number | null;
  /** The backfill that made it, or runs it again. */
  backfillId: number | null;
  clearNumber: Generated<number>;
  /** The revision that the holder has read. */
  seenRevision: Generated<number>;
  /** The clear number for which its deadlines were written. */
  deadlinesOf: number | null;
  /** Why the run ended as it did: `task_failure`, `timed_out`, …; null where there is nothing to say. */
  endReason: string | null;
  /** What somebody declared the run to be while its teardowns still had work to do: it ends so. */
  markedState: 'success' | 'failed' | null;
}

export interface TaskInstanceTable {
  id: string;
  dagRunId: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  state: TaskInstanceState;
  epoch: number;
  tryNumber: number;
  maxTries: number;
  /** How often a worker or scheduler died under it; not counted as its own failures. */
  losses: number;
  operator: string;
  scheduledAt: number | null;
  queuedAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  /** When an `up_for_retry` task instance is due. */
  retryAt: number | null;
  executor: string | null;
  hostname: string | null;
  pid: number | null;
  /** JSON of the protocol's TryFailure. */
  failure: string | null;
  pool: Generated<string>;
  poolSlots: Generated<number>;
  /** With the weights of the tasks around it. */
  priorityWeight: Generated<number>;
  queue: Generated<string>;
  /** What it is shown by in place of its map index. */
  mapIndexLabel: string | null;
  /** JSON of the protocol's TryDecision: what it chose for the tasks below it. */
  decision: string | null;
  /** When it first entered its code since it was last cleared. */
  firstStartedAt: number | null;
  /** How often it was rescheduled since then. */
  reschedules: Generated<number>;
  /** JSON of the protocol's Deferral, while it is deferred. */
  deferral: string | null;
  /** JSON of the protocol's Resumption, once what it was deferred for has happened. */
  resumption: string | null;
  note: string | null;
}

/** How many task instances a mapped task or group of a run has. */
export interface MappedScopeTable {
  dagRunId: string;
  /** Id of the task or group. */
  scopeId: string;
  length: number;
}

export interface PoolTable {
  name: string;
  /** -1 for no limit. */
  slots: number;
  description: string;
  /** 1 where deferred task instances keep their slots. */
  includeDeferred: number;
}

export interface TaskInstanceHistoryTable {
  taskInstanceId: string;
  epoch: number;
  tryNumber: number;
  state: TaskInstanceState;
  scheduledAt: number | null;
  queuedAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  executor: string | null;
  hostname: string | null;
  pid: number | null;
  failure: string | null;
  pool: Generated<string>;
  poolSlots: Generated<number>;
  priorityWeight: Generated<number>;
  queue: Generated<string>;
  mapIndexLabel: string | null;
  note: string | null;
}

export interface XComTable {
  dagRunId: string;
  taskId: string;
  mapIndex: number;
  key: string;
  /** JSON text. */
  value: string;
  createdAt: number;
  /** The try that pushed it itself; null for what a task returned. */
  tryNumber: number | null;
  /** Where a large value lies: JSON text of a `ValueReference`. The value is then `null`. */
  offloaded: string | null;
}

export interface AssetTable {
  id: Generated<number>;
  name: string;
  uri: string;
  assetGroup: string;
  extra: string | null;
  eventType: string;
  /** JSON of the protocol's PublishTarget. */
  publish: string | null;
  createdAt: number;
  updatedAt: number;
}

/** Which assets a subscription's messages are events of. */
export interface AssetWatcherTable {
  assetId: number;
  subscription: string;
  /** Only messages of this CloudEvents type; null for every one. */
  eventType: string | null;
}

export interface DagScheduleAssetTable {
  dagId: string;
  assetId: number;
}

export interface TaskOutletAssetTable {
  dagId: string;
  taskId: string;
  assetId: number;
}

export interface TaskInletAssetTable {
  dagId: string;
  taskId: string;
  assetId: number;
}

export interface TaskOutletAliasTable {
  dagId: string;
  taskId: string;
  assetAliasId: number;
}

/** What a dag says an asset is. Of those that disagree about a name or a uri, the one with the lowest id counts (adr/0013). */
export interface DagAssetTable {
  id: Generated<number>;
  dagId: string;
  name: string;
  uri: string;
  describedAt: number;
}

/** An asset that a dag is scheduled on without describing it: looked up when an event comes. */
export interface DagScheduleReferenceTable {
  dagId: string;
  kind: 'name' | 'uri' | 'alias';
  target: string;
}

export interface AssetAliasTable {
  id: Generated<number>;
  name: string;
  createdAt: number;
}

/** The assets that an alias stands for: those that were emitted through it. */
export interface AssetAliasAssetTable {
  assetAliasId: number;
  assetId: number;
}

export interface AssetAliasEventTable {
  assetAliasId: number;
  eventKey: string;
}

/** The CloudEvents types that a watcher takes; a watcher without a row takes what `AssetWatcherTable.eventType` says. */
export interface AssetWatcherTypeTable {
  assetId: number;
  subscription: string;
  eventType: string;
}

/** How a dag's asset schedule takes events, and how far the events that wait for it have been looked at (adr/0012). */
export interface AssetQueueTable {
  dagId: string;
  /** 1 where events wait until they complete the condition, 0 where each is a run. */
  isCollecting: number;
  dropsWhilePaused: number;
  lastPosition: Generated<number>;
  /** Never falls from one position to the next, nor behind the end of a batch. */
  lastQueuedAt: Generated<number>;
  decidedPosition: Generated<number>;
  /** When the open batch closes. */
  dueAt: number | null;
  /** Raised with each change of what waits but the addition of an event. */
  revision: Generated<number>;
  /** The decision that is being written; meaningless outside of its transaction. */
  claim: string | null;
}

/** An event in the queue of a dag. */
export interface QueuedAssetEventTable {
  dagId: string;
  /** In the order in which the events were committed. */
  position: number;
  eventKey: string;
  assetId: number;
  queuedAt: number;
  state: 'pending' | 'consumed' | 'dropped';
  /** The request of the run that took it. */
  runRequestId: string | null;
}

export interface AssetEventTable {
  id: Generated<number>;
  /** A function of what happened, so that the same happening is recorded once. */
  eventKey: string;
  assetId: number;
  /** JSON. */
  extra: string;
  occurredAt: number;
  sourceDagId: string | null;
  sourceTaskId: string | null;
  sourceRunId: string | null;
  sourceMapIndex: number;
  inboxId: string | null;
}

export interface DagRunAssetEventTable {
  dagRunId: string;
  eventKey: string;
}

/** A broker source that this environment listens to. */
export interface SubscriptionTable {
  name: string;
  transport: 'sqs';
  source: string;
  /** 1 while some dag watches it. */
  isActive: number;
  state: SubscriptionState;
  reason: string | null;
  changedAt: number;
  lastPollAt: number | null;
  lastMessageAt: number | null;
}

/** What a subscription's poller is doing. */
export type SubscriptionState = 'stopped' | 'polling' | 'backing-off' | 'blocked';

/** What became of a received message. */
export type InboxStatus = 'accepted' | 'unmatched' | 'quarantined';

export interface InboxTable {
  id: string;
  subscription: string;
  dedupeKey: string;
  status: InboxStatus;
  reason: string | null;
  messageId: string;
  body: string;
  /** JSON record of text. */
  attributes: string;
  eventId: string | null;
  eventSource: string | null;
  eventType: string | null;
  receivedAt: number;
  duplicates: number;
  lastDuplicateAt: number | null;
}

/** A run that an event asks for. Its id becomes the run's. */
export interface RunRequestTable {
  id: string;
  dagId: string;
  runId: string;
  eventKey: string;
  inboxId: string | null;
  conf: string;
  state: 'pending' | 'created' | 'refused' | 'dropped';
  reason: string | null;
  requestedAt: number;
  claimedTerm: number | null;
}

export interface OutboxTable {
  /** Id of the CloudEvent: a function of the try that emitted it. */
  id: string;
  assetName: string;
  /** JSON of the protocol's PublishTarget. */
  target: string;
  /** JSON of the protocol's CloudEvent. */
  envelope: string;
  state: 'pending' | 'sent';
  attempts: number;
  lastError: string | null;
  createdAt: number;
  nextAttemptAt: number;
  sentAt: number | null;
}

/** A key that values are sealed with; itself sealed with a master key that is not in the database (adr/0014). */
export interface DataKeyTable {
  id: string;
  wrapped: string;
  masterKeyId: string;
  createdAt: number;
}

export interface VariableTable {
  key: string;
  /** Sealed. */
  value: string;
  description: string | null;
  createdAt: number;
  updatedAt: number;
}

export interface ConnectionTable {
  connId: string;
  connType: string;
  description: string | null;
  host: string | null;
  schemaName: string | null;
  login: string | null;
  /** Sealed. */
  password: string | null;
  port: number | null;
  /** JSON object, sealed. */
  extra: string | null;
  createdAt: number;
  updatedAt: number;
}

/** What became of an attempt's wish for a variable or connection. */
export type SecretFetchOutcome = 'given' | 'missing' | 'refused';

/** Which attempt was given, or refused, which variable or connection. */
export interface SecretFetchTable {
  taskInstanceId: string;
  epoch: number;
  kind: 'variable' | 'connection';
  name: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  tryNumber: number;
  outcome: SecretFetchOutcome;
  /** Where it was found: `database`, `environment` or the name of a secrets backend. */
  source: string | null;
  fetches: number;
  firstAt: number;
  lastAt: number;
}

export interface RenderedTaskInstanceFieldsTable {
  taskInstanceId: string;
  tryNumber: number;
  dagRunId: string;
  dagId: string;
  taskId: string;
  /** JSON object, masked and cut. */
  fields: string;
  renderedAt: number;
}

/** Runs of a dag for a stretch of the past. */
export interface BackfillTable {
  id: Generated<number>;
  /** Names it before it has its id, so that its dates are added in the same transaction. */
  requestId: string;
  dagId: string;
  fromAt: number;
  toAt: number;
  /** JSON object; null where none was given. */
  conf: string | null;
  isPaused: number;
  /** 1 where the latest date comes first. */
  isBackwards: number;
  reprocessBehavior: ReprocessBehavior;
  maxActiveRuns: number;
  /** 0 where its runs are on the version that the dag had when it was created. */
  runOnLatestVersion: number;
  dagVersionId: string;
  bundleVersion: string;
  triggeredBy: DagRunTriggeredBy;
  triggeringUser: string | null;
  createdAt: number;
  updatedAt: number;
  /** When its last run ended, or it was cancelled. */
  completedAt: number | null;
}

/** A date of a backfill, and what became of it: nothing so far, a run, or the reason why there is none. */
export interface BackfillDagRunTable {
  backfillId: number;
  /** From 1, in the order in which the runs are made. */
  sortOrdinal: number;
  logicalAt: number;
  intervalStartAt: number;
  intervalEndAt: number;
  runAfterAt: number;
  dagRunId: string | null;
  exceptionReason: BackfillExceptionReason | null;
}

/** What the code of a timetable answered when it was asked last. */
export interface TimetableStockTable {
  dagId: string;
  /** The version of the code that was asked. */
  bundleVersion: string;
  /** JSON list of the model's NextRun, the earliest first. */
  runs: string;
  /** 1 where no run follows the last one. */
  isExhausted: number;
  /** Why there is no answer; null where there is one. */
  problem: string | null;
  evaluatedAt: number;
}

/** What a deferred task instance waits for; timers are not here, the scheduler has them in memory. Named by task instance and epoch. */
export interface TriggerTable {
  taskInstanceId: string;
  epoch: number;
  dagRunId: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  tryNumber: number;
  kind: 'code' | 'dag_run';
  /** Of code: the trigger's name among those of the task, and its arguments as JSON. */
  name: string | null;
  args: string | null;
  awaitedDagId: string | null;
  awaitedRunId: string | null;
  bundleVersion: string;
  file: string;
  state: 'waiting' | 'fired';
  /** JSON of the protocol's TriggerEvent; only of one that has fired. */
  event: string | null;
  /** The triggerer that runs it: id of its job. */
  triggererTerm: number | null;
  createdAt: number;
  firedAt: number | null;
}

/** A list of callbacks that a change of state asks for. Its id is a function of that change. */
export interface CallbackRequestTable {
  id: string;
  scope: 'task' | 'dag' | 'deadline';
  /** A TaskCallback, a DagCallback, or the name of the deadline. */
  kind: string;
  dagId: string;
  /** Null for a deadline of a run that was never created, as is the run id. */
  dagRunId: string | null;
  runId: string | null;
  taskId: string | null;
  mapIndex: Generated<number>;
  tryNumber: number | null;
  /** JSON of the protocol's CallbackContext. */
  context: string;
  bundleVersion: string;
  file: string;
  state: CallbackState;
  /** How often it was handed to a process. */
  attempts: Generated<number>;
  triggererTerm: number | null;
  /** What the last call left to say. */
  failure: string | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}

/** A moment by which a run should have ended. */
export interface DeadlineTable {
  id: string;
  dagId: string;
  /** Null while the run does not exist that should. */
  dagRunId: string | null;
  logicalAt: number | null;
  name: string;
  /** Kind of the protocol's DeadlineReference. */
  reference: string;
  dueAt: number;
  missedAt: number | null;
  createdAt: number;
}
