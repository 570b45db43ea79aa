/** Assets, their events, and who is scheduled on them. */
import type { Generated } from 'kysely';

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
