import type { CloudEvent, PublishTarget } from '@tradewind/protocol';

/** An event on its way out. */
export interface OutgoingEvent {
  readonly target: PublishTarget;
  readonly event: CloudEvent;
}

/**
 * What became of one event. `failed` may go through later by itself; `blocked` needs somebody to change something (a missing topic,
 * a permission, a smaller event).
 */
export type PublishOutcome =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'failed'; readonly reason: string }
  | { readonly outcome: 'blocked'; readonly reason: string };

/** The most events that are handed to a publisher at once (SNS's own limit). */
export const MAX_EVENTS_PER_PUBLISH = 10;

/** Where events go: the topics of one broker. Sending twice is harmless, because receivers know an event by its (source, id). */
export interface EventPublisher {
  /**
   * Sends at most `MAX_EVENTS_PER_PUBLISH` events. Never throws for what a broker does; an aborted `signal` makes what is not sent `failed`.
   *
   * @returns one outcome for each event, in their order
   */
  publish(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly PublishOutcome[]>;
  /** Lets go of connections. Idempotent. */
  close(): void;
}
