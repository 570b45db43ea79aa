/**
 * A broker in memory with the manners of SNS and standard SQS queues: a message that was received is hidden until its visibility timeout, then comes
 * back; it may come twice, out of order, and even after it was acknowledged. All of that is decided by the clock and the random source it
 * is given, so a seed repeats a history.
 */
import { CLOUD_EVENT_MEDIA_TYPE } from '@tradewind/protocol';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { EventPublisher, OutgoingEvent, PublishOutcome } from '../publisher.ts';
import { MAX_MESSAGES_PER_RECEIVE, type EventSource, type FailedAcknowledgement, type ReceivedMessage } from '../source.ts';

/** How badly the broker behaves. Fractions are probabilities in [0, 1]. */
export interface FakeBrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** @default 30 seconds */
  readonly visibilityTimeoutMs?: number;
  /** How many messages are delivered once more, whatever the receiver says. @default 0 */
  readonly duplicateFraction?: number;
  /** How many acknowledgements of single messages fail. @default 0 */
  readonly failedAcknowledgementFraction?: number;
  /** Whether messages come in any order. @default false */
  readonly isReordering?: boolean;
}

/** A message to put on a queue. */
export interface FakeMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A broker that lives in this process. */
export interface FakeBroker {
  createQueue(queue: string): void;
  /** What is published to the topic is put on the queue, without an envelope. */
  subscribe(topic: string, queue: string): void;
  /** Returns the id of the message. */
  send(queue: string, message: FakeMessage): string;
  /** How many messages the queue still holds, hidden ones included. */
  remaining(queue: string): number;
  /** Makes every request fail with this error until it is taken away again. */
  failWith(error: Error | undefined): void;
  openSource(queue: string): EventSource;
  openPublisher(): EventPublisher;
}

interface StoredMessage extends FakeMessage {
  readonly messageId: string;
  readonly sentAt: number;
  visibleAt: number;
  receipt: string | undefined;
  receives: number;
}

interface FakeQueue {
  readonly messages: Set<StoredMessage>;
  readonly waiting: Set<() => void>;
}

interface World {
  readonly options: Required<FakeBrokerOptions>;
  readonly queues: Map<string, FakeQueue>;
  readonly subscriptions: Map<string, Set<string>>;
  failure: Error | undefined;
}

const LONGEST_LATE_DUPLICATE_MS = 120_000;

/** Starts a broker without queues. */
export function createFakeBroker(options: FakeBrokerOptions): FakeBroker {
  const defaults = { visibilityTimeoutMs: 30_000, duplicateFraction: 0, failedAcknowledgementFraction: 0, isReordering: false };
  const world: World = { options: { ...defaults, ...options }, queues: new Map(), subscriptions: new Map(), failure: undefined };
  return {
    createQueue(queue) {
      if (!world.queues.has(queue)) world.queues.set(queue, { messages: new Set(), waiting: new Set() });
    },
    subscribe(topic, queue) {
      world.subscriptions.set(topic, (world.subscriptions.get(topic) ?? new Set()).add(queue));
    },
    send: (queue, message) => store(world, queueOf(world, queue), message),
    remaining: (queue) => queueOf(world, queue).messages.size,
    failWith(error) {
      world.failure = error;
    },
    openSource: (queue) => createFakeSource(world, queue),
    openPublisher: () => createFakePublisher(world),
  };
}

function createFakeSource(world: World, name: string): EventSource {
  return {
    async receive(signal, waitSeconds) {
      const end = world.options.clock.now() + waitSeconds * 1_000;
      for (;;) {
        const messages = deliver(world, name);
        if (messages.length > 0 || world.options.clock.now() >= end || signal.aborted) return messages;
        await waitForMessage(world, name, { end, signal });
      }
    },
    acknowledge(messages) {
      return Promise.resolve().then(() => messages.flatMap((message) => forget(world, name, message)));
    },
    close() {},
  };
}

function createFakePublisher(world: World): EventPublisher {
  const publish = ({ target, event }: OutgoingEvent): PublishOutcome => {
    if (world.failure !== undefined) return { outcome: 'failed', reason: world.failure.message };
    const queues = world.subscriptions.get(target.topic);
    if (queues === undefined) return { outcome: 'blocked', reason: `the topic ${target.topic} does not exist` };
    const attributes = { 'content-type': CLOUD_EVENT_MEDIA_TYPE, ce_id: event.id, ce_source: event.source, ce_type: event.type };
    for (const queue of queues) store(world, queueOf(world, queue), { body: JSON.stringify(event), attributes });
    return { outcome: 'sent' };
  };
  return {
    publish: (events) => Promise.resolve(events.map(publish)),
    close() {},
  };
}

function queueOf({ queues }: World, name: string): FakeQueue {
  const queue = queues.get(name);
  if (queue === undefined) throw new TradewindError('not_found', `the queue ${name} does not exist.`);
  return queue;
}

function store({ options }: World, queue: FakeQueue, message: FakeMessage): string {
  const { clock, random, duplicateFraction } = options;
  const sentAt = clock.now();
  const stored: StoredMessage = { ...message, messageId: random.uuid(), sentAt, visibleAt: sentAt, receipt: undefined, receives: 0 };
  queue.messages.add(stored);
  if (random.fraction() < duplicateFraction) {
    queue.messages.add({ ...stored, visibleAt: sentAt + Math.floor(random.fraction() * LONGEST_LATE_DUPLICATE_MS) });
  }
  for (const wake of queue.waiting) wake();
  return stored.messageId;
}

function deliver(world: World, name: string): readonly ReceivedMessage[] {
  if (world.failure !== undefined) throw world.failure;
  const { clock, random, visibilityTimeoutMs, isReordering } = world.options;
  const now = clock.now();
  const visible = [...queueOf(world, name).messages].filter(({ visibleAt }) => visibleAt <= now);
  const ordered = isReordering
    ? visible.map((message) => ({ message, place: random.fraction() })).toSorted((a, b) => a.place - b.place)
    : [];
  const chosen = (isReordering ? ordered.map(({ message }) => message) : visible).slice(0, MAX_MESSAGES_PER_RECEIVE);
  return chosen.map((message) => {
    message.receives += 1;
    message.visibleAt = now + visibilityTimeoutMs;
    message.receipt = random.uuid();
    return asReceived(message, message.receipt);
  });
}

function asReceived({ messageId, body, attributes, sentAt, receives }: StoredMessage, receipt: string): ReceivedMessage {
  const systemAttributes = { SentTimestamp: String(sentAt), ApproximateReceiveCount: String(receives) };
  return { messageId, receipt, body, attributes: attributes ?? {}, systemAttributes };
}

function forget(world: World, name: string, { messageId, receipt }: ReceivedMessage): readonly FailedAcknowledgement[] {
  if (world.failure !== undefined) throw world.failure;
  const { random, failedAcknowledgementFraction } = world.options;
  if (random.fraction() < failedAcknowledgementFraction) return [{ messageId, reason: 'InternalError: the broker is busy' }];
  const { messages } = queueOf(world, name);
  // The receipt of an earlier delivery is taken and does nothing, as on SQS.
  for (const message of messages) if (message.receipt === receipt) messages.delete(message);
  return [];
}

/** Rests until a message is put on the queue, a hidden one appears, the wait is over or the receiver gives up. */
async function waitForMessage(
  world: World,
  name: string,
  { end, signal }: { readonly end: number; readonly signal: AbortSignal },
): Promise<void> {
  const { clock } = world.options;
  const queue = queueOf(world, name);
  const nextVisibleAt = Math.min(end, ...[...queue.messages].map(({ visibleAt }) => visibleAt));
  const { promise, resolve } = Promise.withResolvers<void>();
  const resume = (): void => {
    resolve();
  };
  const timer = clock.setTimer(Math.max(0, nextVisibleAt - clock.now()), resume);
  queue.waiting.add(resume);
  signal.addEventListener('abort', resume, { once: true });
  await promise;
  timer.cancel();
  queue.waiting.delete(resume);
  signal.removeEventListener('abort', resume);
}
