/** What must be so of the whole when everything has ended, read from the tables themselves. */
import type { DatabaseSync } from 'node:sqlite';
import { nameOf } from '../packages/core/src/scheduler/testing/reference-run.ts';
import type { KnownTask, Violate } from './known-run.ts';

/** Every run that was asked for, as `dag id` and a key with a space between: each must exist in the end, once. */
export interface ExpectedRuns {
  /** The key is the run id. */
  readonly byHand: Set<string>;
  /** The key is the id of the CloudEvent. */
  readonly byEvent: Set<string>;
}

/** I6 and I12: the try number counts the tries that began, each of them is in the history once or is what the row stands for, and a value is there while what made it stands. */
export function checkTries(connection: DatabaseSync, tasks: ReadonlyMap<string, KnownTask>, violate: Violate): void {
  const rows = connection
    .prepare(
      `select id, try_number, scheduled_at is not null as stands,
         (select count(*) from task_instance_history where task_instance_id = id) as recorded,
         (select count(distinct earlier.try_number) from task_instance_history as earlier
          where earlier.task_instance_id = id and earlier.state in ('success', 'failed', 'skipped', 'up_for_retry') and earlier.ended_at is not null) as ended,
         (select count(*) from xcom where xcom.dag_run_id = task_instance.dag_run_id and xcom.task_id = task_instance.task_id
           and xcom.map_index = task_instance.map_index) as stored_values
       from task_instance`,
    )
    .all() as unknown as { id: string; try_number: number; stands: 0 | 1; recorded: number; ended: number; stored_values: number }[];
  for (const { id, try_number: tryNumber, stands, recorded, ended, stored_values: storedValues } of rows) {
    const task = tasks.get(id);
    if (task === undefined) continue;
    const name = `${nameOf(task)} (${id})`;
    if (tryNumber !== task.tries) violate('I6', `${name} has try number ${tryNumber}, but ${task.tries} tries began`);
    const earlier = task.tries - stands;
    if (recorded !== earlier || ended !== earlier)
      violate(
        'I12',
        `${name} has ${recorded} tries in its history, ${ended} different ones that ended, but ${earlier} were followed by another one or cleared`,
      );
    const hasValue = task.state === 'success' && task.ends > 0 ? 1 : 0;
    if (!task.isDisturbed && storedValues !== hasValue) violate('I3', `${name} in state ${task.state} has ${storedValues} values`);
  }
}

/** I8: every run that was asked for exists, once, and no other. */
export function checkExpectedRuns(connection: DatabaseSync, { byHand, byEvent }: ExpectedRuns, violate: Violate): void {
  const rows = connection
    .prepare(
      `select run.dag_id, run.run_id, run.run_type, inbox.event_id
       from dag_run as run
       left join dag_run_asset_event as link on link.dag_run_id = run.id
       left join asset_event as event on event.event_key = link.event_key
       left join inbox on inbox.id = event.inbox_id`,
    )
    .all() as unknown as { dag_id: string; run_id: string; run_type: string; event_id: string | null }[];
  const found = new Map<string, number>();
  for (const { dag_id: dagId, run_id: runId, run_type: type, event_id: eventId } of rows) {
    const key = `${dagId} ${type === 'manual' ? runId : eventId}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  for (const key of [...byHand, ...byEvent]) {
    const count = found.get(key) ?? 0;
    if (count !== 1) violate('I8', `the run "${key}" was asked for and exists ${count} times`);
    found.delete(key);
  }
  for (const key of found.keys()) violate('I8', `the run "${key}" exists, and nobody asked for it`);
}

/** What was cleared leaves no value for others to read. */
export function checkClearedValues(connection: DatabaseSync, violate: Violate): void {
  const rows = connection
    .prepare(
      `select instance.id from task_instance as instance
       join xcom on xcom.dag_run_id = instance.dag_run_id and xcom.task_id = instance.task_id and xcom.map_index = instance.map_index
       where instance.state = 'none'`,
    )
    .all() as unknown as { id: string }[];
  for (const { id } of rows) violate('I3', `${id} was cleared, and its value is still there`);
}
