import { TradewindError } from '../../platform/errors.ts';
import { confirm } from '../confirm.ts';
import { findRun } from '../find-run.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { readDagDefinition } from '../read-dag-definition.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface ClearOptions extends OutputOptions {
  readonly taskRegex?: string;
  readonly runId?: string;
  readonly startDate?: string;
  readonly endDate?: string;
  readonly past?: boolean;
  readonly future?: boolean;
  readonly upstream?: boolean;
  readonly downstream?: boolean;
  readonly onlyFailed?: boolean;
  readonly onlyRunning?: boolean;
  readonly latestVersion?: boolean;
  readonly note?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface TaskInstanceRow {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly task_id: string;
  readonly map_index: number;
  readonly state: string | null;
}

/** `tradewind tasks clear <dag_id>`: says what it would clear, asks, and clears. */
export async function clearTasks(dagId: string, options: ClearOptions): Promise<undefined> {
  const cleared = await withSessionOfDag(options.folder, dagId, async (session) => {
    const body = await toBody(session, dagId, options);
    const found = await ask(session, dagId, { ...body, dry_run: true });
    if (found.length === 0 || options.dryRun === true) return found;
    if (options.yes !== true) {
      await print(found, options);
      await confirm(question(found));
    }
    return ask(session, dagId, { ...body, dry_run: false });
  });
  if (options.dryRun === true) process.stderr.write('this is what a clear would take; nothing was changed\n');
  await print(cleared, options);
}

function question(found: readonly TaskInstanceRow[]): string {
  const dags = [...new Set(found.map(({ dag_id: dagId }) => `"${dagId}"`))];
  const counted = found.length === 1 ? 'this task instance' : `these ${found.length} task instances`;
  return `clear ${counted} of ${dags.length === 1 ? 'dag' : 'the dags'} ${dags.join(', ')}?`;
}

async function ask(
  session: EnvironmentSession,
  dagId: string,
  body: Readonly<Record<string, unknown>>,
): Promise<readonly TaskInstanceRow[]> {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/clearTaskInstances`;
  return ((await session.ask({ method: 'POST', path, body })) as { readonly task_instances: readonly TaskInstanceRow[] }).task_instances;
}

async function toBody(session: EnvironmentSession, dagId: string, options: ClearOptions): Promise<Readonly<Record<string, unknown>>> {
  const { runId, startDate, endDate, note } = options;
  if (runId !== undefined && (startDate !== undefined || endDate !== undefined)) {
    throw new TradewindError('usage', '--run-id names one run: leave out --start-date and --end-date, or take --past and --future');
  }
  const run = runId === undefined ? undefined : await findRun(session, dagId, runId);
  return {
    only_failed: options.onlyFailed ?? false,
    only_running: options.onlyRunning ?? false,
    include_upstream: options.upstream ?? false,
    include_downstream: options.downstream ?? false,
    include_past: options.past ?? false,
    include_future: options.future ?? false,
    run_on_latest_version: options.latestVersion ?? false,
    dag_run_id: run?.dag_run_id,
    start_date: startDate,
    end_date: endDate,
    note,
    task_ids: options.taskRegex === undefined ? undefined : await matchingTasks(session, dagId, options.taskRegex),
  };
}

async function matchingTasks(session: EnvironmentSession, dagId: string, pattern: string): Promise<readonly string[]> {
  const regex = readRegex(pattern);
  const { tasks } = await readDagDefinition(session, dagId);
  const found = tasks.flatMap(({ taskId }) => (regex.test(taskId) ? [taskId] : []));
  if (found.length > 0) return found;
  throw new TradewindError(
    'not_found',
    `no task of dag "${dagId}" matches ${pattern}; it has ${tasks.map(({ taskId }) => taskId).join(', ')}`,
  );
}

function readRegex(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new TradewindError('usage', `--task-regex takes a regular expression: ${(error as Error).message}`, { cause: error });
  }
}

async function print(rows: readonly TaskInstanceRow[], { output }: ClearOptions): Promise<void> {
  await printRows(rows, {
    format: output,
    emptyText: 'there is nothing to clear',
    columns: [
      // Markers lead into other dags.
      ...(rows.some(({ dag_id: dagId }) => dagId !== rows[0]?.dag_id)
        ? [{ header: 'dag_id', value: (row: TaskInstanceRow) => row.dag_id }]
        : []),
      { header: 'dag_run_id', value: (row) => row.dag_run_id },
      { header: 'task_id', value: (row) => row.task_id },
      { header: 'map_index', value: (row) => (row.map_index === -1 ? '' : String(row.map_index)) },
      { header: 'state', value: (row) => row.state ?? 'none' },
    ],
  });
}
