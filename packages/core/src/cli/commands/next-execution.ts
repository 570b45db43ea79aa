import { listNextRuns } from '../../model/timetables/list-next-runs.ts';
import type { NextRun } from '../../model/timetables/next-run.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { readDagDefinition } from '../read-dag-definition.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

/** What can be shown of a run that is to come. */
const NEXT_EXECUTION_FIELDS = ['logical_date', 'data_interval_start', 'data_interval_end', 'run_after'] as const;
type NextExecutionField = (typeof NEXT_EXECUTION_FIELDS)[number];

interface NextExecutionOptions extends OutputOptions {
  readonly numExecutions: number;
  readonly field?: NextExecutionField;
}

type NextExecutionRow = Readonly<Record<NextExecutionField, string>>;

/** `tradewind dags next-execution <dag_id>` */
export async function nextExecution(dagId: string, { folder, output, numExecutions, field }: NextExecutionOptions): Promise<undefined> {
  const runs = await withSessionOfDag(folder, dagId, async (session) => {
    const first = await readNextRun(session, dagId);
    if (first === undefined || numExecutions === 1) return first === undefined ? [] : [first];
    return listNextRuns(await readDagDefinition(session, dagId), first, numExecutions);
  });
  const fields = field === undefined ? NEXT_EXECUTION_FIELDS : [field];
  await printRows<NextExecutionRow>(runs.map(toRow), {
    format: output,
    emptyText: `no clock starts the dag "${dagId}" again`,
    columns: fields.map((name) => ({ header: name, value: (row) => row[name] })),
  });
}

interface ScheduledDagRow {
  readonly next_dagrun_logical_date: string | null;
  readonly next_dagrun_data_interval_start: string | null;
  readonly next_dagrun_data_interval_end: string | null;
  readonly next_dagrun_run_after: string | null;
}

async function readNextRun({ ask }: EnvironmentSession, dagId: string): Promise<NextRun | undefined> {
  const dag = (await ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` })) as ScheduledDagRow;
  if (dag.next_dagrun_run_after === null) return undefined;
  const runAfterAt = epochMs(dag.next_dagrun_run_after);
  return {
    runAfterAt,
    logicalAt: epochMs(dag.next_dagrun_logical_date) || runAfterAt,
    intervalStartAt: epochMs(dag.next_dagrun_data_interval_start) || runAfterAt,
    intervalEndAt: epochMs(dag.next_dagrun_data_interval_end) || runAfterAt,
  };
}

function epochMs(instant: string | null): number {
  return instant === null ? 0 : Temporal.Instant.from(instant).epochMilliseconds;
}

function toRow({ logicalAt, intervalStartAt, intervalEndAt, runAfterAt }: NextRun): NextExecutionRow {
  const [logicalDate = '', start = '', end = '', runAfter = ''] = [logicalAt, intervalStartAt, intervalEndAt, runAfterAt].map((at) =>
    Temporal.Instant.fromEpochMilliseconds(at).toString(),
  );
  return { logical_date: logicalDate, data_interval_start: start, data_interval_end: end, run_after: runAfter };
}
