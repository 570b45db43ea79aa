import { decodeJson, type CloudEvent, type PublishTarget } from '@tradewind/protocol';
import type { ActivityObserver } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { storableText } from '../store/storable-text.ts';
import { claimOutbox, readNextAttempt, type ClaimedEvent } from '../store/transitions/claim-outbox.ts';
import { markEventsSent, postponeEvents, type PostponedEvent } from '../store/transitions/settle-outbox.ts';
import { backOffMs, createBackOff } from './back-off.ts';
import { MAX_EVENTS_PER_PUBLISH, type EventPublisher, type OutgoingEvent, type PublishOutcome } from './publisher.ts';
import { createWakeUp, type WakeUp } from './wake-up.ts';

/** What a relay needs. */
export interface RelayParts {
  readonly database: Database;
  /** Stays the caller's to close. */
  readonly publisher: EventPublisher;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onActivity: ActivityObserver;
}

/** Carries events from the outbox to the broker. */
export interface Relay {
  /** Says that events were committed. */
  wake(): void;
  /** Ends the relay. What the broker took is marked before; what it did not take is due again at once. Idempotent. */
  stop(): Promise<void>;
}

/** Longer than a publish with its retries lasts; after it, the events of a relay that died are published by another. */
const LEASE_MS = 30_000;
/** Five requests at a time keep a broker busy that is milliseconds away. While it is in trouble one is enough to find out. */
const MOST_IN_FLIGHT = 5 * MAX_EVENTS_PER_PUBLISH;
/** How long rows wait that another process committed without waking this one. */
const SAFETY_NET_MS = 10_000;
/** An event that is blocked needs a person; looking again every few minutes finds out when they are done. */
const BLOCKED_CAP_MS = 300_000;

/**
 * Starts a relay: claim what is due → publish → mark as sent. A crash between the last two publishes again, with the same id, which
 * receivers know. Several relays may share a database. Order is not promised: an event that has to be tried again is overtaken.
 */
export function startRelay(parts: RelayParts): Relay {
  const stopping = new AbortController();
  const wakeUp = createWakeUp(parts.clock);
  const ended = relay(parts, wakeUp, stopping.signal);
  return {
    wake() {
      wakeUp.wake();
    },
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

async function relay(parts: RelayParts, wakeUp: WakeUp, signal: AbortSignal): Promise<void> {
  const backOff = createBackOff(parts);
  let trouble: string | undefined;
  while (!signal.aborted) {
    try {
      const { claimed, nextAttemptAt } = await claim(parts, trouble === undefined ? MOST_IN_FLIGHT : MAX_EVENTS_PER_PUBLISH);
      if (claimed.length === 0) {
        await wakeUp.rest(Math.min(SAFETY_NET_MS, Math.max(0, nextAttemptAt - parts.clock.now())), signal);
        continue;
      }
      const outcomes = await publish(parts, claimed, signal);
      await settle(parts, claimed, { outcomes, isStopping: signal.aborted });
      trouble = reportTrouble(parts.log, troubleIn(outcomes), trouble);
    } catch (error) {
      trouble = reportTrouble(parts.log, messageOf(error), trouble);
    }
    // A broker or a database that does not answer is left alone for a while; one bad event does not slow down the others.
    if (trouble === undefined) backOff.reset();
    else await backOff.wait(signal);
  }
}

async function claim(
  { database, clock }: RelayParts,
  most: number,
): Promise<{ readonly claimed: readonly ClaimedEvent[]; readonly nextAttemptAt: number }> {
  const [claimed, [next]] = await database.batch([claimOutbox(clock.now(), LEASE_MS, most), readNextAttempt()]);
  return { claimed, nextAttemptAt: next?.nextAttemptAt ?? Number.POSITIVE_INFINITY };
}

async function publish(
  { publisher }: RelayParts,
  claimed: readonly ClaimedEvent[],
  signal: AbortSignal,
): Promise<readonly PublishOutcome[]> {
  const readable = claimed.map(readOutgoing);
  const outgoing = readable.filter((event) => event !== undefined);
  const requests = inRequests(outgoing).map((events) => publisher.publish(events, signal));
  const outcomes = (await Promise.all(requests)).flat().values();
  return readable.map((event): PublishOutcome => {
    if (event === undefined) return { outcome: 'blocked', reason: 'the stored event is not readable JSON' };
    return outcomes.next().value ?? { outcome: 'failed', reason: 'the publisher did not say what became of the event' };
  });
}

function inRequests(events: readonly OutgoingEvent[]): readonly (readonly OutgoingEvent[])[] {
  return [...Map.groupBy(events.entries(), ([index]) => Math.floor(index / MAX_EVENTS_PER_PUBLISH)).values()].map((request) =>
    request.map(([, event]) => event),
  );
}

function readOutgoing({ target, envelope }: ClaimedEvent): OutgoingEvent | undefined {
  try {
    return { target: decodeJson(target) as unknown as PublishTarget, event: decodeJson(envelope) as unknown as CloudEvent };
  } catch {
    // The row itself is at fault; it is blocked with that reason.
    return undefined;
  }
}

async function settle(
  { database, clock, random, onActivity }: RelayParts,
  claimed: readonly ClaimedEvent[],
  { outcomes, isStopping }: { readonly outcomes: readonly PublishOutcome[]; readonly isStopping: boolean },
): Promise<void> {
  const now = clock.now();
  const sent = claimed.filter((_, index) => outcomes[index]?.outcome === 'sent');
  const postponed = claimed.flatMap(({ id, attempts }, index): PostponedEvent[] => {
    const result = outcomes[index];
    if (result === undefined || result.outcome === 'sent') return [];
    const delayMs = result.outcome === 'blocked' ? backOffMs(attempts, random, BLOCKED_CAP_MS) : backOffMs(attempts, random);
    return [{ id, attempts, reason: storableText(result.reason), nextAttemptAt: isStopping ? now : now + delayMs }];
  });
  const sentIds = sent.map(({ id }) => id);
  await database.batch([markEventsSent(sentIds, now), postponeEvents(postponed)]);
  for (const { id, assetName, target } of sent) onActivity({ type: 'event_published', assetName, eventId: id, target });
}

/** Why the broker as a whole seems to be in trouble: it took nothing, and not because the events are at fault. */
function troubleIn(outcomes: readonly PublishOutcome[]): string | undefined {
  const failed = outcomes.filter((result) => result.outcome === 'failed');
  return failed.length === outcomes.length ? failed[0]?.reason : undefined;
}

function reportTrouble(log: Log, trouble: string | undefined, before: string | undefined): string | undefined {
  if (trouble !== undefined && trouble !== before) log.warning('events cannot be published; they stay in the outbox', { reason: trouble });
  if (trouble === undefined && before !== undefined) log.info('events are published again');
  return trouble;
}
