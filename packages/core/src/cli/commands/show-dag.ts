import type { SerializedDag } from '@tradewind/protocol';
import { summariseSchedule } from '../../model/timetables/describe-schedule.ts';
import { drawDag } from '../output/draw-dag.ts';
import type { DagDrawing } from '../program/dag-drawings.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { readDagDefinition } from '../read-dag-definition.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { toTaskRows, type TaskRow } from '../task-rows.ts';

interface ShowOptions extends OutputOptions {
  readonly draw?: DagDrawing;
  readonly dagVersion?: number;
}

/** `tradewind dags show <dag_id>`: its tasks in a table, or its graph. */
export async function showDag(dagId: string, { folder, output, draw, dagVersion }: ShowOptions): Promise<undefined> {
  const dag = await withSessionOfDag(folder, dagId, (session) => readDagDefinition(session, dagId, dagVersion));
  if (draw !== undefined) {
    process.stdout.write(drawDag(dag, draw));
    return;
  }
  if (output === 'table') process.stderr.write(describeDag(dag));
  await printRows<TaskRow>(toTaskRows(dag), {
    format: output,
    emptyText: `the dag "${dagId}" has no tasks`,
    columns: [
      { header: 'task_id', value: (task) => task.task_id },
      { header: 'waits for', value: (task) => task.upstream_task_ids.join(', '), isCuttable: true },
      { header: 'trigger_rule', value: (task) => task.trigger_rule },
      { header: 'retries', value: (task) => String(task.retries) },
      { header: 'emits', value: (task) => task.outlets.join(', '), isCuttable: true },
    ],
  });
}

function describeDag({ dagId, description, schedule, params }: SerializedDag): string {
  const lines = [description === undefined ? dagId : `${dagId}: ${description}`];
  const summary = summariseSchedule(schedule);
  if (summary !== null) lines.push(`schedule: ${summary}`);
  const names = Object.keys(params);
  if (names.length > 0) lines.push(`params: ${names.join(', ')}`);
  return `${lines.join('\n')}\n`;
}
