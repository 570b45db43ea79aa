import { defineStatement, wakeOthers, type Database } from '../database.ts';

/** A value that somebody gives to a task instance by hand. */
export interface XComByHand {
  readonly taskInstanceId: string;
  readonly key: string;
  /** JSON text. */
  readonly value: string;
}

/**
 * (absent) → there.
 *
 * Called by the API. Raises the revision of the run, so that the scheduler that holds it forgets what it remembers of its values. Run twice: it exists already.
 */
export async function createXCom(database: Database, xcom: XComByHand, now: number): Promise<'created' | 'already_exists'> {
  const [created] = await database.batch([insertXCom(xcom, now), raiseRevisionOf(xcom.taskInstanceId), wakeOthers]);
  return created.length > 0 ? 'created' : 'already_exists';
}

/** there → there, with another value. As `createXCom`. */
export async function updateXCom(database: Database, xcom: XComByHand, now: number): Promise<'changed' | 'not_found'> {
  const [changed] = await database.batch([changeXCom(xcom, now), raiseRevisionOf(xcom.taskInstanceId), wakeOthers]);
  return changed.length > 0 ? 'changed' : 'not_found';
}

/** there → (absent). As `createXCom`. Run twice: it is not found. */
export async function deleteXCom(database: Database, taskInstanceId: string, key: string): Promise<'deleted' | 'not_found'> {
  const [deleted] = await database.batch([removeXCom(taskInstanceId, key), raiseRevisionOf(taskInstanceId), wakeOthers]);
  return deleted.length > 0 ? 'deleted' : 'not_found';
}

const insertXCom = defineStatement<{ key: string }, [xcom: XComByHand, now: number]>(
  'insert_xcom_by_hand',
  () => `
    insert into xcom (dag_run_id, task_id, map_index, key, value, created_at)
    select instance.dag_run_id, instance.task_id, instance.map_index, $2, $3, $4
    from task_instance as instance
    where instance.id = $1
    on conflict (dag_run_id, task_id, map_index, key) do nothing
    returning key`,
  ({ taskInstanceId, key, value }, now) => [taskInstanceId, key, value, now],
);

const changeXCom = defineStatement<{ key: string }, [xcom: XComByHand, now: number]>(
  'change_xcom_by_hand',
  () => `
    update xcom
    set value = $3, offloaded = null, created_at = $4
    from task_instance as instance
    where instance.id = $1 and xcom.dag_run_id = instance.dag_run_id and xcom.task_id = instance.task_id
      and xcom.map_index = instance.map_index and xcom.key = $2
    returning xcom.key as key`,
  ({ taskInstanceId, key, value }, now) => [taskInstanceId, key, value, now],
);

const removeXCom = defineStatement<{ key: string }, [taskInstanceId: string, key: string]>(
  'remove_xcom_by_hand',
  () => `
    delete from xcom
    where key = $2 and (dag_run_id, task_id, map_index) in (
      select instance.dag_run_id, instance.task_id, instance.map_index from task_instance as instance where instance.id = $1
    )
    returning key`,
  (taskInstanceId, key) => [taskInstanceId, key],
);

const raiseRevisionOf = defineStatement<never, [taskInstanceId: string]>(
  'raise_revision_for_xcom',
  () => `
    update dag_run set revision = revision + 1
    where id = (select instance.dag_run_id from task_instance as instance where instance.id = $1)`,
  (taskInstanceId) => [taskInstanceId],
);
