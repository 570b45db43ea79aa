/**
 * What a subscription's poller shows of itself: `polling` → `backing-off` (time may help) or `blocked` (a person must help) → `polling` …, and
 * `stopped` at the end. Whatever the state, it goes on trying; the state is for people.
 */
import type { Clock } from '../platform/clock.ts';
import { TradewindError, messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import { storableText } from '../store/storable-text.ts';
import type { SubscriptionState } from '../store/tables.ts';
import { setSubscriptionState } from '../store/transitions/set-subscription-state.ts';
import { isDatabaseTrouble } from './record-delivery.ts';

/** The state of one poller. Each method writes a log line and the subscription's row where something changed. */
export interface SubscriptionStatus {
  readonly isPolling: boolean;
  /** The broker answered. Writes the row at most once a minute where nothing changed, so an idle environment stays idle. */
  polling(): Promise<void>;
  /** Something did not work. */
  troubled(error: unknown): Promise<void>;
  stopped(): Promise<void>;
}

/** What a status needs. */
export interface SubscriptionStatusParts {
  readonly subscription: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often the row of a poller that only polls is written. */
const REPORT_INTERVAL_MS = 60_000;
const NEEDS_A_PERSON = new Set(['bad_configuration', 'forbidden', 'not_found', 'unauthenticated']);

/** The status of a poller that has not started. */
export function createSubscriptionStatus({ subscription, database, clock, log }: SubscriptionStatusParts): SubscriptionStatus {
  let state: SubscriptionState = 'stopped';
  let reason: string | null = null;
  let isWritten = false;
  let writtenAt = 0;

  const change = (nextState: SubscriptionState, nextReason: string | null): void => {
    if (state === nextState && reason === nextReason) return;
    const event = `subscription ${nextState}`;
    if (nextReason === null) log.info(event, { subscription, previously: state });
    else log.warning(event, { subscription, previously: state, reason: nextReason });
    [state, reason, isWritten] = [nextState, nextReason, false];
  };

  const write = async (lastPollAt: number | null): Promise<void> => {
    const now = clock.now();
    try {
      await database.batch([setSubscriptionState({ name: subscription, state, reason, lastPollAt }, now)]);
      [isWritten, writtenAt] = [true, now];
    } catch (error) {
      // The row only shows the state. It is written with the next report, and messages are not held up by it.
      log.debug('the state of a subscription could not be written yet', { subscription, error });
    }
  };

  return {
    get isPolling() {
      return state === 'polling';
    },
    async polling() {
      change('polling', null);
      const now = clock.now();
      if (!isWritten || now - writtenAt >= REPORT_INTERVAL_MS) await write(now);
    },
    async troubled(error) {
      const needsAPerson = error instanceof TradewindError && NEEDS_A_PERSON.has(error.code);
      change(needsAPerson ? 'blocked' : 'backing-off', storableText(messageOf(error)));
      if (!isWritten && !isDatabaseTrouble(error)) await write(null);
    },
    async stopped() {
      change('stopped', null);
      if (!isWritten) await write(null);
    },
  };
}
