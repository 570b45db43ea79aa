import { defineStatement } from '../database.ts';

/** An event that could not be published this time. */
export interface PostponedEvent {
  readonly id: string;
  /** Of the claim under which it was tried. */
  readonly attempts: number;
  readonly reason: string;
  readonly nextAttemptAt: number;
}

/**
 * pending → sent.
 *
 * Called by the relay after the broker took the event, whoever holds the row by now: what is sent is sent. Run twice: no longer pending, no change.
 */
export const markEventsSent = defineStatement<{ id: string }, [ids: readonly string[], now: number]>(
  'mark_events_sent',
  (d) => `
    update outbox set state = 'sent', sent_at = $2, last_error = null
    from ${d.rows('$1', 'sent', { id: 'text' })}
    where outbox.id = sent.id and outbox.state = 'pending'
    returning outbox.id as id`,
  (ids, now) => [JSON.stringify(ids.toSorted().map((id) => ({ id }))), now],
);

/**
 * pending → pending, due again later, with the reason on show.
 *
 * Called by the relay. The count of attempts fences it: a relay whose lease ran out does not move a row that another holds now. Run twice: the
 * same row.
 */
export const postponeEvents = defineStatement<{ id: string }, [events: readonly PostponedEvent[]]>(
  'postpone_events',
  (d) => `
    update outbox set last_error = postponed.reason, next_attempt_at = postponed.next_attempt_at
    from ${d.rows('$1', 'postponed', { id: 'text', attempts: 'bigint', reason: 'text', next_attempt_at: 'bigint' })}
    where outbox.id = postponed.id and outbox.state = 'pending' and outbox.attempts = postponed.attempts
    returning outbox.id as id`,
  (events) => [
    JSON.stringify(
      events
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, attempts, reason, nextAttemptAt }) => ({ id, attempts, reason, next_attempt_at: nextAttemptAt })),
    ),
  ],
);
