import { defineStatement } from '../database.ts';
import type { SubscriptionState } from '../tables.ts';

/** What a poller says about itself. */
export interface SubscriptionReport {
  readonly name: string;
  readonly state: SubscriptionState;
  /** Why it is not polling; null where it is, or was asked to stop. */
  readonly reason: string | null;
  /** When the broker last answered; null where it has not since the last report. */
  readonly lastPollAt: number | null;
}

/**
 * Any state → any state: the row says what the poller does, it steers nothing. `changed_at` moves only with the state or the reason.
 *
 * Called by the consumer when its state changes, and once a minute to show that it is alive. Locks the one row. Run twice: the same row.
 */
export const setSubscriptionState = defineStatement<never, [report: SubscriptionReport, now: number]>(
  'set_subscription_state',
  () => `
    update subscription
    set state = $2, reason = $3,
      changed_at = case when state = $2 and reason is not distinct from $3 then changed_at else $4 end,
      last_poll_at = coalesce($5, last_poll_at)
    where name = $1`,
  ({ name, state, reason, lastPollAt }, now) => [name, state, reason, now, lastPollAt],
);

/**
 * Any state → stopped, for subscriptions that no dag watches any more. Called when subscriptions are read: a poller that died could not say
 * so itself. Run twice: they are stopped already.
 */
export const stopInactiveSubscriptions = defineStatement<never, [now: number]>(
  'stop_inactive_subscriptions',
  () => `update subscription set state = 'stopped', reason = null, changed_at = $1 where is_active = 0 and state <> 'stopped'`,
  (now) => [now],
);
