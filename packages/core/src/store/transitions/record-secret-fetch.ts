import type { Attempt } from '@tradewind/protocol';
import { defineStatement, type Database } from '../database.ts';
import { RUNNING_ATTEMPT_STATES } from '../reads/attempts.ts';
import type { SecretFetchOutcome } from '../tables.ts';

/** What an attempt asked for, and what it is about to be answered. */
export interface SecretFetch {
  readonly kind: 'variable' | 'connection';
  readonly name: string;
  readonly outcome: SecretFetchOutcome;
  /** Where it was found; null where it was not. */
  readonly source: string | null;
}

/**
 * (absent) → recorded, or one fetch more.
 *
 * Called before an attempt is answered: what is not recorded is not given. The epoch fences it: an attempt that was given up is given nothing. Run twice: it
 * counts twice, as it is asked twice.
 * @returns `attempt_over` where the attempt no longer runs
 */
export async function recordSecretFetch(
  database: Database,
  attempt: Attempt,
  fetch: SecretFetch,
  now: number,
): Promise<{ readonly outcome: 'recorded' | 'attempt_over' }> {
  const [recorded] = await database.batch([upsertSecretFetch(attempt, fetch, now)]);
  return { outcome: recorded.length > 0 ? 'recorded' : 'attempt_over' };
}

const upsertSecretFetch = defineStatement<{ name: string }, [attempt: Attempt, fetch: SecretFetch, now: number]>(
  'record_secret_fetch',
  () => `
    insert into secret_fetch
      (task_instance_id, epoch, kind, name, dag_id, run_id, task_id, map_index, try_number, outcome, source, fetches, first_at, last_at)
    select instance.id, instance.epoch, $3, $4, instance.dag_id, instance.run_id, instance.task_id, instance.map_index, instance.try_number, $5, $6, 1, $7, $7
    from task_instance as instance
    where instance.id = $1 and instance.epoch = $2 and instance.state in (${RUNNING_ATTEMPT_STATES.map((state) => `'${state}'`).join(', ')})
    on conflict (task_instance_id, epoch, kind, name)
      do update set outcome = excluded.outcome, source = excluded.source, fetches = secret_fetch.fetches + 1, last_at = excluded.last_at
    returning name`,
  ({ taskInstanceId, epoch }, { kind, name, outcome, source }, now) => [taskInstanceId, epoch, kind, name, outcome, source, now],
);
