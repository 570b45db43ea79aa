import { defineStatement } from '../database.ts';

/** An event that the caller may now publish. */
export interface ClaimedEvent {
  readonly id: string;
  readonly assetName: string;
  /** JSON of the protocol's PublishTarget. */
  readonly target: string;
  /** JSON of the protocol's CloudEvent. */
  readonly envelope: string;
  /** How often it has been claimed, this time included: the epoch of the claim. */
  readonly attempts: number;
}

/**
 * pending → pending, held by the caller until the lease ends: the next attempt moves to the lease's end, so no other relay finds the row due.
 *
 * Called by the relay. Locks the rows it claims and passes over those that another relay is claiming. A relay that dies leaves rows that fall due again;
 * they are then published a second time with the same id. Run twice: the second finds other rows.
 */
export const claimOutbox = defineStatement<ClaimedEvent, [now: number, leaseMs: number, most: number]>(
  'claim_outbox',
  (d) => `
    with due as materialized (
      select id from outbox
      where state = 'pending' and next_attempt_at <= $1
      order by next_attempt_at, id
      limit $3 ${d.forUpdateSkipLocked}
    )
    update outbox
    set attempts = outbox.attempts + 1, next_attempt_at = $1 + $2
    from due
    where outbox.id = due.id
    returning outbox.id as id, outbox.asset_name as "assetName", outbox.target as target, outbox.envelope as envelope, outbox.attempts as attempts`,
  (now, leaseMs, most) => [now, leaseMs, most],
);

/** When the next event falls due; null where none is pending. Changes nothing. */
export const readNextAttempt = defineStatement<{ nextAttemptAt: number | null }, []>(
  'read_next_attempt',
  () => `select min(next_attempt_at) as "nextAttemptAt" from outbox where state = 'pending'`,
  () => [],
);
