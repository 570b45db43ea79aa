import { defineStatement } from '../database.ts';

/** Writes what people should know about a run. Run twice: the same note. */
export const setDagRunNote = defineStatement<{ id: string }, [dagRunId: string, note: string | null]>(
  'set_dag_run_note',
  () => `update dag_run set note = $2 where id = $1 returning id`,
  (dagRunId, note) => [dagRunId, note],
);

/** Writes what people should know about task instances. Nothing is decided from a note, so nobody needs to read the run again. Run twice: the same note. */
export const setTaskInstanceNotes = defineStatement<{ id: string }, [taskInstanceIds: readonly string[], note: string | null]>(
  'set_task_instance_notes',
  (d) => `
    update task_instance
    set note = $2
    where id in (select wanted.id from ${d.rows('$1', 'wanted', { id: 'text' })})
    returning id`,
  (taskInstanceIds, note) => [JSON.stringify(taskInstanceIds.map((id) => ({ id }))), note],
);
