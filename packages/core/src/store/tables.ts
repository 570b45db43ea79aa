/**
 * Every table as the reads see it (snake_case in the database, this spelling here). Times are milliseconds since the epoch, booleans are 0 and 1,
 * and columns that hold JSON are text: both databases then store, compare and return the same.
 */
import type { DagRunState, DagRunTriggeredBy, DagRunType, TaskInstanceState } from '@tradewind/protocol';
import type { Generated } from 'kysely';

export interface Tables {
  job: JobTable;
  dag: DagTable;
  dagVersion: DagVersionTable;
  dagFile: DagFileTable;
  importError: ImportErrorTable;
  dagRun: DagRunTable;
  taskInstance: TaskInstanceTable;
  taskInstanceHistory: TaskInstanceHistoryTable;
  xcom: XComTable;
  asset: AssetTable;
  assetWatcher: AssetWatcherTable;
  dagScheduleAsset: DagScheduleAssetTable;
  taskOutletAsset: TaskOutletAssetTable;
  assetEvent: AssetEventTable;
  dagRunAssetEvent: DagRunAssetEventTable;
  subscription: SubscriptionTable;
  inbox: InboxTable;
  runRequest: RunRequestTable;
  outbox: OutboxTable;
}

/** One incarnation of a process. Its id is the term that fences what it writes (adr/0005). */
export interface JobTable {
  id: Generated<number>;
  kind: 'scheduler' | 'dag_processor';
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
  file: string;
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
  parsedAt: number;
  parseMs: number;
  createdAt: number;
}

export interface DagVersionTable {
  id: string;
  dagId: string;
  versionNumber: number;
  contentHash: string;
  bundleVersion: string;
  /** JSON of the protocol's SerializedDag. */
  serialized: string;
  createdAt: number;
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
}

export interface XComTable {
  dagRunId: string;
  taskId: string;
  mapIndex: number;
  key: string;
  /** JSON text. */
  value: string;
  createdAt: number;
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
  state: 'pending' | 'created' | 'refused';
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
