import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import { FOUND_STATE, foundAsJson, isAsFound, type FoundState } from './hold-found-dag-run.ts';

/** The columns that a task instance and its history share. */
const TRY_COLUMNS = [
  'epoch',
  'try_number',
  'state',
  'scheduled_at',
  'queued_at',
  'started_at',
  'ended_at',
  'executor',
  'hostname',
  'pid',
  'failure',
  'pool',
  'pool_slots',
  'priority_weight',
  'queue',
  'map_index_label',
  'note',
] as const;

/** The condition that a task instance stands for a try: one has begun since it was created or cleared. */
function standsForTry(instance: string): string {
  return `${instance}.try_number > 0 and ${instance}.scheduled_at is not null`;
}

/**
 * The statement that copies the tries of task instances, named `instance`, into the history. Each comes there once, right before its row begins to stand for another try or for none (as Airflow's
 * `TaskInstanceHistory.record_ti`); until then the row itself says how it ended.
 *
 * @param from the rest of the statement, from its `from` on; it ends with a condition
 * @param instead what the history says instead of what the row says, by column
 */
export function insertTries(from: string, instead: Readonly<Partial<Record<(typeof TRY_COLUMNS)[number], string>>> = {}): string {
  return `
    insert into task_instance_history (task_instance_id, ${TRY_COLUMNS.join(', ')})
    select instance.id, ${TRY_COLUMNS.map((column) => instead[column] ?? `instance.${column}`).join(', ')}
    ${from} and ${standsForTry('instance')}
    on conflict (task_instance_id, epoch) do nothing`;
}

/** Copies the tries that failed and are followed by another one now. Comes right before what schedules, or defers, that one in the same transaction; needs the run to be held. */
export const recordRetriedTries = defineStatement<
  never,
  [tick: string, instances: readonly { readonly id: string; readonly epoch: number }[]]
>(
  'record_retried_tries',
  (d) =>
    insertTries(`
    from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint' })}
    join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch and instance.state = 'up_for_retry'
    where ${inHeldRun('instance', '$1')}`),
  (tick, instances) => [tick, JSON.stringify(instances.map(({ id, epoch }) => ({ id, epoch })))],
);

/** What the history says of a try that was cleared before it had ended: JSON of the protocol's TryFailure. */
const CLEARED_FAILURE: string = JSON.stringify({
  kind: 'stopped',
  message: 'the task instance was cleared before this try had ended',
});

/**
 * Copies the tries of task instances that are cleared: those that have ended as they did, others as failed. Comes before `clearTaskInstances` in the same transaction; needs the run to be held by
 * the operation.
 */
export const recordClearedTries = defineStatement<never, [operation: string, now: number, instances: readonly FoundState[]]>(
  'record_cleared_tries',
  (d) => {
    const whereEnded = (ended: string, given: string): string =>
      `case when instance.state in ('success', 'failed', 'skipped', 'up_for_retry') then ${ended} else ${given} end`;
    return insertTries(
      `
    from ${d.rows('$3', 'wanted', FOUND_STATE)}
    join task_instance as instance on ${isAsFound('instance', 'wanted')} and instance.state not in ('running', 'restarting')
    where ${inHeldRun('instance', '$1')}`,
      {
        state: whereEnded('instance.state', `'failed'`),
        ended_at: whereEnded('instance.ended_at', '$2'),
        failure: whereEnded('instance.failure', '$4'),
      },
    );
  },
  (operation, now, instances) => [operation, now, foundAsJson(instances), CLEARED_FAILURE],
);

/**
 * Copies the tries that were cleared while their code ran, as failed, like every try that was given up, and however its code ended. Comes right before `restartTaskInstances` in the same
 * transaction; needs the run to be held.
 */
export const recordRestartedTries = defineStatement<
  never,
  [tick: string, now: number, instances: readonly { readonly id: string; readonly epoch: number }[]]
>(
  'record_restarted_tries',
  (d) =>
    insertTries(
      `
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint' })}
    join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch and instance.state = 'restarting'
    where ${inHeldRun('instance', '$1')}`,
      { state: `'failed'`, ended_at: '$2', failure: '$4' },
    ),
  (tick, now, instances) => [tick, now, JSON.stringify(instances.map(({ id, epoch }) => ({ id, epoch }))), CLEARED_FAILURE],
);
