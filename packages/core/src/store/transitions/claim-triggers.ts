import { defineStatement } from '../database.ts';

/** A trigger that the caller is to run. */
export interface ClaimedTrigger {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly tryNumber: number;
  readonly name: string;
  /** JSON text. */
  readonly args: string;
  readonly bundleVersion: string;
  readonly file: string;
}

/**
 * waiting → waiting, run by a triggerer.
 *
 * Called by a triggerer that has room, on every wake-up and in every round of its recovery. Takes the oldest triggers that nobody runs: new ones, and those of triggerers whose
 * job has ended (`endExpiredJobs` comes before it), as long as their task instances wait. Passes over rows that another triggerer is claiming. Run twice: they are the caller's, and the next
 * ones are taken.
 */
export const claimTriggers = defineStatement<ClaimedTrigger, [term: number, most: number]>(
  'claim_triggers',
  (d) => `
    with free as materialized (
      select task_instance_id, epoch
      from trigger
      where state = 'waiting' and kind = 'code'
        and (triggerer_term is null or (triggerer_term <> $1 and exists (select 1 from job where job.id = trigger.triggerer_term and job.ended_at is not null)))
        and exists (
          select 1 from task_instance as instance
          where instance.id = trigger.task_instance_id and instance.epoch = trigger.epoch and instance.state = 'deferred'
        )
      order by created_at, task_instance_id
      limit $2 ${d.forUpdateSkipLocked}
    )
    update trigger
    set triggerer_term = $1
    from free
    where trigger.task_instance_id = free.task_instance_id and trigger.epoch = free.epoch and trigger.state = 'waiting'
    returning trigger.task_instance_id as "taskInstanceId", trigger.epoch as epoch, trigger.dag_id as "dagId", trigger.run_id as "runId",
      trigger.task_id as "taskId", trigger.map_index as "mapIndex", trigger.try_number as "tryNumber", trigger.name as name, trigger.args as args,
      trigger.bundle_version as "bundleVersion", trigger.file as file`,
  (term, most) => [term, most],
);

/** The waiting triggers that a triggerer runs, as the database has them: those it does not know are answers that were lost, those it misses are not wanted any more. */
export const selectTriggersOf = defineStatement<{ taskInstanceId: string; epoch: number }, [term: number]>(
  'select_triggers_of_term',
  () => `
    select task_instance_id as "taskInstanceId", epoch as epoch
    from trigger
    where triggerer_term = $1 and state = 'waiting' and kind = 'code'`,
  (term) => [term],
);

/**
 * waiting → waiting, run by nobody. Called for triggers that a triggerer holds by the database's account and does not know of. Run twice: nobody runs them.
 */
export const releaseTriggers = defineStatement<
  { taskInstanceId: string },
  [term: number, triggers: readonly { readonly taskInstanceId: string; readonly epoch: number }[]]
>(
  'release_triggers',
  (d) => `
    update trigger
    set triggerer_term = null
    from ${d.rows('$2', 'given', { id: 'text', epoch: 'bigint' })}
    where trigger.task_instance_id = given.id and trigger.epoch = given.epoch and trigger.triggerer_term = $1 and trigger.state = 'waiting'
    returning trigger.task_instance_id as "taskInstanceId"`,
  (term, triggers) => [term, JSON.stringify(triggers.map(({ taskInstanceId, epoch }) => ({ id: taskInstanceId, epoch })))],
);
