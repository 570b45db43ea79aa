import { findRun, taskInstancePath } from '../find-run.ts';
import { formatDuration, formatShortInstant } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { EnvironmentOptions, OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface TaskInstanceOptions extends EnvironmentOptions {
  readonly mapIndex?: number;
}

interface TaskInstanceRow {
  readonly task_id: string;
  readonly map_index: number;
  readonly state: string | null;
  readonly try_number: number;
  readonly start_date: string | null;
  readonly duration: number | null;
}

/** `tradewind dags state <dag_id> <run>`: one word, for scripts. */
export async function printDagRunState(dagId: string, idOrDate: string, { folder }: EnvironmentOptions): Promise<undefined> {
  const run = await withSessionOfDag(folder, dagId, (session) => findRun(session, dagId, idOrDate));
  process.stdout.write(`${run.state}\n`);
}

/** `tradewind tasks state <dag_id> <task_id> <run>`: one word, for scripts. */
export async function printTaskState(
  dagId: string,
  taskId: string,
  idOrDate: string,
  { folder, mapIndex }: TaskInstanceOptions,
): Promise<undefined> {
  const instance = await withSessionOfDag(folder, dagId, async (session) => {
    const run = await findRun(session, dagId, idOrDate);
    return (await session.ask({ method: 'GET', path: taskInstancePath(run, taskId, mapIndex) })) as TaskInstanceRow;
  });
  process.stdout.write(`${instance.state ?? 'none'}\n`);
}

/** `tradewind tasks states-for-dag-run <dag_id> <run>` */
export async function printStatesForDagRun(dagId: string, idOrDate: string, { folder, output }: OutputOptions): Promise<undefined> {
  const { rows } = await withSessionOfDag(folder, dagId, async (session) => {
    const run = await findRun(session, dagId, idOrDate);
    const path = `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(run.dag_run_id)}/taskInstances`;
    return readPages<TaskInstanceRow>(session, { path, key: 'task_instances' });
  });
  await printRows(rows, {
    format: output,
    emptyText: 'the run has no task instances yet',
    columns: [
      { header: 'task_id', value: (row) => row.task_id },
      { header: 'map_index', value: (row) => (row.map_index === -1 ? '' : String(row.map_index)) },
      { header: 'state', value: (row) => row.state ?? 'none' },
      { header: 'try', value: (row) => String(row.try_number) },
      { header: 'start', value: (row) => formatShortInstant(row.start_date) },
      { header: 'took', value: (row) => (row.duration === null ? '' : formatDuration(row.duration * 1_000)) },
    ],
  });
}

interface Dependency {
  readonly name: string;
  readonly reason: string;
}

/** `tradewind tasks failed-deps <dag_id> <task_id> <run>` */
export async function printFailedDependencies(
  dagId: string,
  taskId: string,
  idOrDate: string,
  { folder, output, mapIndex }: TaskInstanceOptions & OutputOptions,
): Promise<undefined> {
  const answer = await withSessionOfDag(folder, dagId, async (session) => {
    const run = await findRun(session, dagId, idOrDate);
    return session.ask({ method: 'GET', path: `${taskInstancePath(run, taskId, mapIndex)}/dependencies` });
  });
  await printRows((answer as { readonly dependencies: readonly Dependency[] }).dependencies, {
    format: output,
    emptyText: 'nothing keeps it from running: every dependency is met',
    columns: [
      { header: 'name', value: ({ name }) => name },
      { header: 'reason', value: ({ reason }) => reason },
    ],
  });
}
