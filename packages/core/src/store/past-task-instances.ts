import { defineStatement } from './database.ts';

/** What a task instance wants to know of the run before its own. */
export interface PastQuestion {
  /** Id of the task instance. */
  readonly id: string;
  readonly dagRunId: string;
  readonly taskId: string;
  /** Whether only scheduled runs count as runs before: dags that catch up. */
  readonly onlyScheduled: boolean;
  /** Whether a task that was not yet part of the run before passes, if it never ran in any. */
  readonly ignoreFirst: boolean;
  /** Tasks of the run before that must have succeeded or been skipped as well (`waitForDownstream`). */
  readonly downstream: readonly string[];
}

/**
 * Says of each question whether the past is as it must be (1) or not (0). The run before is the one with the next earlier logical date; a run without one, and the first of a dag, pass. All task
 * instances of the task there, and of its downstream where that is asked for, must be in success or skipped. A task that the run before does not have does not pass, unless told so
 * (Airflow's `prev_dagrun_dep.py`).
 */
export const selectPastVerdicts = defineStatement<{ id: string; met: number }, [questions: readonly PastQuestion[]]>(
  'select_past_verdicts',
  (d) => `
    select asked.id as id, case
      when asked.before_id is null then 1
      when asked.ignore_first = 1 and not exists (
        select 1 from task_instance as earlier
        join dag_run as earlier_run on earlier_run.id = earlier.dag_run_id
        where earlier.dag_id = asked.dag_id and earlier.task_id = asked.task_id and earlier_run.logical_at < asked.logical_at
      ) then 1
      when not exists (select 1 from task_instance as same where same.dag_run_id = asked.before_id and same.task_id = asked.task_id) then 0
      when exists (
        select 1 from task_instance as unmet
        where unmet.dag_run_id = asked.before_id and unmet.state not in ('success', 'skipped', 'removed')
          and (unmet.task_id = asked.task_id or unmet.task_id in (select name.task_id from ${d.rows('asked.downstream', 'name', { task_id: 'text' })}))
      ) then 0
      else 1 end as met
    from (
      select question.id, question.task_id, question.ignore_first, question.downstream, run.dag_id, run.logical_at, (
        select before.id from dag_run as before
        where before.dag_id = run.dag_id and before.logical_at < run.logical_at
          and (question.only_scheduled = 0 or before.run_type in ('scheduled', 'backfill'))
        order by before.logical_at desc
        limit 1
      ) as before_id
      from ${d.rows('$1', 'question', {
        id: 'text',
        run: 'text',
        task_id: 'text',
        only_scheduled: 'bigint',
        ignore_first: 'bigint',
        downstream: 'text',
      })}
      join dag_run as run on run.id = question.run
    ) as asked`,
  (questions) => [
    JSON.stringify(
      questions.map((question) => ({
        id: question.id,
        run: question.dagRunId,
        task_id: question.taskId,
        only_scheduled: question.onlyScheduled ? 1 : 0,
        ignore_first: question.ignoreFirst ? 1 : 0,
        downstream: JSON.stringify(question.downstream.map((taskId) => ({ task_id: taskId }))),
      })),
    ),
  ],
);
