import type { ActivityObserver } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { readActiveSubscriptions, type ActiveSubscription } from '../store/reads/subscription-bindings.ts';
import { stopInactiveSubscriptions } from '../store/transitions/set-subscription-state.ts';
import { createBackOff } from './back-off.ts';
import { startConsumer, type Consumer } from './consumer.ts';
import type { EventPublisher } from './publisher.ts';
import { startRelay } from './relay.ts';
import type { EventSource } from './source.ts';
import { createWakeUp, type WakeUp } from './wake-up.ts';

/** What federation needs. */
export interface FederationParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Never throws: what is wrong with a source shows when it is polled. */
  readonly openSource: (subscription: ActiveSubscription) => EventSource;
  /** Is closed when federation has stopped. */
  readonly publisher: EventPublisher;
  /** Called after a commit in which messages asked for runs. */
  readonly onRunRequested: () => void;
  /** @default nobody watches */
  readonly onActivity?: ActivityObserver;
}

/** The process that brings messages in and takes events out. */
export interface Federation {
  /** Says that dags changed: subscriptions are read again. */
  refresh(): void;
  /** Says that events were committed to the outbox. */
  wake(): void;
  /** Ends every poll at once, records what is in hand, and ends the relay. Idempotent. */
  stop(): Promise<void>;
}

/** How long a change of subscriptions that nobody announced stays unnoticed. */
const SAFETY_NET_MS = 60_000;

interface RunningConsumer {
  readonly subscription: ActiveSubscription;
  readonly consumer: Consumer;
}

/** Starts federation: one consumer for each subscription that a dag watches, as they come and go, and the relay of the outbox. */
export function startFederation(parts: FederationParts): Federation {
  const stopping = new AbortController();
  const { signal } = stopping;
  const wakeUp = createWakeUp(parts.clock);
  const observed = { ...parts, onActivity: parts.onActivity ?? (() => {}) };
  const relay = startRelay(observed);
  const ended = superviseConsumers(observed, wakeUp, signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([ended, relay.stop()]);
    parts.publisher.close();
  };
  return {
    refresh: () => {
      wakeUp.wake();
    },
    wake: () => {
      relay.wake();
    },
    stop,
  };
}

async function superviseConsumers(
  parts: FederationParts & { readonly onActivity: ActivityObserver },
  wakeUp: WakeUp,
  signal: AbortSignal,
): Promise<void> {
  const running = new Map<string, RunningConsumer>();
  const backOff = createBackOff(parts);
  let trouble: string | undefined;
  while (!signal.aborted) {
    try {
      const wanted = await readActiveSubscriptions(parts.database);
      await stopUnwanted(running, wanted);
      await parts.database.batch([stopInactiveSubscriptions(parts.clock.now())]);
      if (!signal.aborted) startMissing(parts, running, wanted);
      backOff.reset();
      trouble = undefined;
      await wakeUp.rest(SAFETY_NET_MS, signal);
    } catch (error) {
      // What runs goes on running; which subscriptions there are is asked again.
      if (trouble !== messageOf(error)) parts.log.warning('subscriptions cannot be read; those known go on', { reason: messageOf(error) });
      trouble = messageOf(error);
      await backOff.wait(signal);
    }
  }
  await stopUnwanted(running, []);
}

async function stopUnwanted(running: Map<string, RunningConsumer>, wanted: readonly ActiveSubscription[]): Promise<void> {
  const isWanted = ({ name, source }: ActiveSubscription): boolean =>
    wanted.some((other) => other.name === name && other.source === source);
  const unwanted = [...running.values()].filter(({ subscription }) => !isWanted(subscription));
  await Promise.all(unwanted.map(({ consumer }) => consumer.stop()));
  for (const { subscription } of unwanted) running.delete(subscription.name);
}

function startMissing(
  parts: FederationParts & { readonly onActivity: ActivityObserver },
  running: Map<string, RunningConsumer>,
  wanted: readonly ActiveSubscription[],
): void {
  for (const subscription of wanted.filter(({ name }) => !running.has(name))) {
    const consumer = startConsumer({ ...parts, subscription: subscription.name, source: parts.openSource(subscription) });
    running.set(subscription.name, { subscription, consumer });
  }
}
