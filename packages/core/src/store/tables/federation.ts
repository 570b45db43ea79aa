/** What comes in and what goes out. */

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
