import { DEFAULT_POOL } from '@tradewind/protocol';
import { defineStatement, wakeOthers, type Database } from '../database.ts';
import { keepsSlot } from './queue-task-instances.ts';

/** A pool as somebody wants it. */
export interface WantedPool {
  readonly name: string;
  /** -1 for no limit. */
  readonly slots: number;
  readonly description: string;
  readonly includeDeferred: boolean;
}

/** What is to be different about a pool; what is left out stays. */
export type PoolChange = Partial<Omit<WantedPool, 'name'>>;

/**
 * (absent) → there.
 *
 * Called by the API. Task instances that waited for a pool of this name can be queued from now on. Run twice: it exists already.
 */
export async function createPool(database: Database, pool: WantedPool): Promise<'created' | 'already_exists'> {
  const [created] = await database.batch([insertPool(pool), updateKeptSlots(pool.name), wakeOthers]);
  return created.length > 0 ? 'created' : 'already_exists';
}

/**
 * there → there, with other slots or words.
 *
 * Called by the API. A pool that gets fewer slots than are taken keeps what is at work; nothing more is queued until enough of it has ended. What is deferred in it takes slots, or none, from now
 * on. Locks the pool, as whoever queues does. Run twice: it is so already.
 */
export async function changePool(database: Database, name: string, change: PoolChange): Promise<'changed' | 'not_found'> {
  const keptSlots = change.includeDeferred === undefined ? [] : [updateKeptSlots(name)];
  const [changed] = await database.batch([updatePool(name, change), ...keptSlots, wakeOthers]);
  return changed.length > 0 ? 'changed' : 'not_found';
}

/**
 * there → (absent).
 *
 * Called by the API. What is at work goes on; task instances that are in the pool and not yet queued wait until there is a pool of that name again, as in Airflow. The default pool cannot
 * be deleted. Run twice: it is not found.
 */
export async function deletePool(database: Database, name: string): Promise<'deleted' | 'not_found' | 'is_default'> {
  if (name === DEFAULT_POOL) return 'is_default';
  const [deleted] = await database.batch([removePool(name)]);
  return deleted.length > 0 ? 'deleted' : 'not_found';
}

const insertPool = defineStatement<{ name: string }, [pool: WantedPool]>(
  'insert_pool',
  () => `
    insert into pool (name, slots, description, include_deferred)
    values ($1, $2, $3, $4)
    on conflict (name) do nothing
    returning name`,
  ({ name, slots, description, includeDeferred }) => [name, slots, description, Number(includeDeferred)],
);

const updatePool = defineStatement<{ name: string }, [name: string, change: PoolChange]>(
  'update_pool',
  () => `
    update pool
    set slots = coalesce($2, slots), description = coalesce($3, description), include_deferred = coalesce($4, include_deferred)
    where name = $1
    returning name`,
  (name, { slots, description, includeDeferred }) => [
    name,
    slots ?? null,
    description ?? null,
    includeDeferred === undefined ? null : Number(includeDeferred),
  ],
);

/** Only what belongs to active runs can be deferred, and is found through them. */
const updateKeptSlots = defineStatement<never, [pool: string]>(
  'update_kept_slots',
  () => `
    update task_instance
    set keeps_slot = ${keepsSlot('task_instance')}
    where task_instance.dag_run_id in (select run.id from dag_run as run where run.state = 'running') and task_instance.pool = $1
      and task_instance.state = 'deferred' and task_instance.keeps_slot <> ${keepsSlot('task_instance')}`,
  (pool) => [pool],
);

const removePool = defineStatement<{ name: string }, [name: string]>(
  'remove_pool',
  () => `delete from pool where name = $1 returning name`,
  (name) => [name],
);
