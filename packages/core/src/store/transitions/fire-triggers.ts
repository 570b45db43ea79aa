import type { TriggerEvent } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** A trigger that has its event. */
export interface FiredTrigger {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly event: TriggerEvent;
}

/**
 * waiting → fired.
 *
 * Called by the triggerer that runs the trigger. The term fences it: a triggerer that was given up changes nothing, and whoever took the trigger over waits again. Run twice: the
 * trigger has fired, and the first event stays.
 */
export const fireTriggers = defineStatement<{ taskInstanceId: string }, [term: number, now: number, fired: readonly FiredTrigger[]]>(
  'fire_triggers',
  (d) => `
    update trigger
    set state = 'fired', event = given.event, fired_at = $2
    from ${d.rows('$3', 'given', { id: 'text', epoch: 'bigint', event: 'text' })}
    where trigger.task_instance_id = given.id and trigger.epoch = given.epoch and trigger.triggerer_term = $1 and trigger.state = 'waiting'
    returning trigger.task_instance_id as "taskInstanceId"`,
  (term, now, fired) => [
    term,
    now,
    JSON.stringify(fired.map(({ taskInstanceId, epoch, event }) => ({ id: taskInstanceId, epoch, event: JSON.stringify(event) }))),
  ],
);

/**
 * waiting → fired, for triggers that wait for the end of a run.
 *
 * Called when runs may have ended and in every round of recovery: it asks how things stand and not what has happened, so a run that ended before anybody waited for it fires at once.
 * A run that does not exist (any more) never ends; whoever waits for it is told so. The event carries the run's state. Run twice: they have fired.
 */
export const fireDagRunTriggers = defineStatement<{ taskInstanceId: string }, [now: number]>(
  'fire_dag_run_triggers',
  () => `
    update trigger
    set state = 'fired', fired_at = $1, event = coalesce(
      (select '{"ok":true,"json":"{\\"dagId\\":\\"' || run.dag_id || '\\",\\"runId\\":\\"' || run.run_id || '\\",\\"state\\":\\"' || run.state || '\\"}"}'
       from dag_run as run where run.dag_id = trigger.awaited_dag_id and run.run_id = trigger.awaited_run_id),
      '{"ok":false,"message":"there is no run ' || trigger.awaited_run_id || ' of dag ' || trigger.awaited_dag_id || ' whose end could be waited for"}')
    where trigger.state = 'waiting' and trigger.kind = 'dag_run'
      and not exists (
        select 1 from dag_run as run
        where run.dag_id = trigger.awaited_dag_id and run.run_id = trigger.awaited_run_id and run.state not in ('success', 'failed')
      )
    returning task_instance_id as "taskInstanceId"`,
  (now) => [now],
);

/** A trigger whose task instance is to go on. */
export interface FiredTriggerOfRun {
  readonly taskInstanceId: string;
  readonly epoch: number;
  /** JSON of the protocol's TriggerEvent. */
  readonly event: string;
}

/** The fired triggers of the runs that a scheduler holds, oldest first; those whose task instances have gone on since are left out. */
export const selectFiredTriggers = defineStatement<FiredTriggerOfRun, [schedulerTerm: number, most: number]>(
  'select_fired_triggers',
  () => `
    select trigger.task_instance_id as "taskInstanceId", trigger.epoch as epoch, trigger.event as event
    from trigger
    join dag_run on dag_run.id = trigger.dag_run_id
    join task_instance as instance on instance.id = trigger.task_instance_id and instance.epoch = trigger.epoch and instance.state = 'deferred'
    where trigger.state = 'fired' and dag_run.scheduler_term = $1 and dag_run.state = 'running'
    order by trigger.fired_at, trigger.task_instance_id
    limit $2`,
  (schedulerTerm, most) => [schedulerTerm, most],
);

/** A row where a task instance waits for the end of a run; none where nobody does. */
export const selectAwaitedRuns = defineStatement<{ isAwaited: number }, []>(
  'select_awaited_runs',
  () => `select 1 as "isAwaited" from trigger where state = 'waiting' and kind = 'dag_run' limit 1`,
  () => [],
);
