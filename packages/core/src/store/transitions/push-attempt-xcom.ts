import type { Attempt } from '@tradewind/protocol';
import { defineStatement, type Database } from '../database.ts';
import { RUNNING_ATTEMPT_STATES } from '../reads/attempts.ts';

/** A value that the code of an attempt pushes while it runs. */
export interface AttemptXCom {
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Where a large value lies instead: JSON text of a `ValueReference`. @default null */
  readonly offloaded?: string | null;
}

/**
 * (absent, or another value of the key) → the value, for an attempt that runs.
 *
 * Called for a request of its code: Airflow pushes at once, too, so that what was pushed stays where the task fails afterwards. The epoch fences it: an attempt
 * that was given up pushes nothing. The value ends with its try. Run twice: the same value again.
 * @returns `attempt_over` where the attempt no longer runs
 */
export async function pushAttemptXCom(
  database: Database,
  attempt: Attempt,
  xcom: AttemptXCom,
  now: number,
): Promise<{ readonly outcome: 'pushed' | 'attempt_over' }> {
  const [pushed] = await database.batch([upsertXCom(attempt, xcom, now)]);
  return { outcome: pushed.length > 0 ? 'pushed' : 'attempt_over' };
}

const upsertXCom = defineStatement<{ key: string }, [attempt: Attempt, xcom: AttemptXCom, now: number]>(
  'push_attempt_xcom',
  () => `
    insert into xcom (dag_run_id, task_id, map_index, key, value, created_at, offloaded, try_number)
    select instance.dag_run_id, instance.task_id, instance.map_index, $3, $4, $5, $6, instance.try_number
    from task_instance as instance
    where instance.id = $1 and instance.epoch = $2 and instance.state in (${RUNNING_ATTEMPT_STATES.map((state) => `'${state}'`).join(', ')})
    on conflict (dag_run_id, task_id, map_index, key)
      do update set value = excluded.value, offloaded = excluded.offloaded, created_at = excluded.created_at, try_number = excluded.try_number
    returning key`,
  ({ taskInstanceId, epoch }, { key, value, offloaded = null }, now) => [taskInstanceId, epoch, key, value, now, offloaded],
);
