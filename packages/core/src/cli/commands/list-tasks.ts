import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { readDagDefinition } from '../read-dag-definition.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { toTaskRows, type TaskRow } from '../task-rows.ts';

/** `tradewind tasks list <dag_id>` */
export async function listTasks(dagId: string, { folder, output }: OutputOptions): Promise<undefined> {
  const dag = await withSessionOfDag(folder, dagId, (session) => readDagDefinition(session, dagId));
  await printRows<TaskRow>(toTaskRows(dag), {
    format: output,
    emptyText: `the dag "${dagId}" has no tasks`,
    columns: [
      { header: 'task_id', value: (task) => task.task_id },
      { header: 'operator', value: (task) => task.operator_name },
    ],
  });
}
