import type { ActivityObserver } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { createBackOff } from './back-off.ts';
import { createDeliveryRecorder, isDatabaseTrouble, type RecordedDelivery } from './record-delivery.ts';
import type { EventSource, ReceivedMessage } from './source.ts';
import { createSubscriptionStatus, type SubscriptionStatus } from './subscription-status.ts';

/** What a consumer needs. */
export interface ConsumerParts {
  /** Name of the subscription that the messages are recorded under. */
  readonly subscription: string;
  /** Is closed by the consumer when it ends. */
  readonly source: EventSource;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called after a commit that asked for runs. */
  readonly onRunRequested: () => void;
  readonly onActivity: ActivityObserver;
}

/** The one poller of a subscription in this process. */
export interface Consumer {
  /** Resolves when it has ended. Never rejects. */
  readonly ended: Promise<void>;
  /** Ends the wait for messages at once; what is in hand is recorded and acknowledged first. Idempotent. */
  stop(): Promise<void>;
}

/** SQS's longest wait: an idle queue costs three requests a minute. */
const LONG_POLL_SECONDS = 20;

/**
 * Starts to poll a subscription: receive → record in one transaction → commit → acknowledge. Whatever dies in between, the broker delivers
 * again and the second delivery is recorded as a duplicate: nothing is lost and nothing runs twice (adr/0008). Several consumers, in one process or in many, may poll
 * one queue.
 */
export function startConsumer(parts: ConsumerParts): Consumer {
  const stopping = new AbortController();
  const ended = consume(parts, stopping.signal);
  return {
    ended,
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

async function consume(parts: ConsumerParts, signal: AbortSignal): Promise<void> {
  const { source } = parts;
  const status = createSubscriptionStatus(parts);
  const backOff = createBackOff(parts);
  const record = createDeliveryRecorder({ ...parts, untilAnswered: createPatience(parts, status, signal) });
  while (!signal.aborted) {
    try {
      // The first receive returns at once, so that a queue that is missing or closed to us shows before anybody waits for it.
      const messages = await source.receive(signal, status.isPolling ? LONG_POLL_SECONDS : 0);
      if (messages.length === 0 && signal.aborted) break;
      await status.polling();
      if (messages.length > 0) await takeDelivery(parts, messages, record);
      backOff.reset();
    } catch (error) {
      // An error never becomes an event: the broker keeps the messages, and they come again.
      await status.troubled(error);
      await backOff.wait(signal);
    }
  }
  source.close();
  await status.stopped();
}

async function takeDelivery(
  { subscription, source, log, onRunRequested, onActivity }: ConsumerParts,
  messages: readonly ReceivedMessage[],
  record: (messages: readonly ReceivedMessage[]) => Promise<RecordedDelivery>,
): Promise<void> {
  const delivery = await record(messages);
  if (delivery.runRequests > 0) onRunRequested();
  for (const { messageId, outcome } of delivery.messages) onActivity({ type: 'message_received', subscription, messageId, outcome });
  const failed = await source.acknowledge(messages);
  if (failed.length > 0) log.warning('the broker will deliver messages again that are recorded already', { subscription, failed });
}

/** Returns a function that repeats what fails because of the database, until it answers or the consumer stops. */
function createPatience(
  parts: ConsumerParts,
  status: SubscriptionStatus,
  signal: AbortSignal,
): <Result>(operation: () => Promise<Result>) => Promise<Result> {
  return async (operation) => {
    const backOff = createBackOff(parts);
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (!isDatabaseTrouble(error) || signal.aborted) throw error;
        await status.troubled(error);
        await backOff.wait(signal);
      }
    }
  };
}
