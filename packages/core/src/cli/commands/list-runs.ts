import { formatDuration, formatShortInstant } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface ListRunsOptions extends OutputOptions {
  readonly state?: string;
  readonly limit: number;
}

/** A dag run as the API gives it: what the table shows of it. */
interface DagRunRow {
  readonly dag_run_id: string;
  readonly state: string;
  readonly start_date: string | null;
  readonly duration: number | null;
}

/** `tradewind dags list-runs <dag_id>` */
export async function listRuns(dagId: string, { folder, output, state, limit }: ListRunsOptions): Promise<undefined> {
  const filter = state === undefined ? '' : `&state=${state}`;
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns?order_by=-run_after${filter}`;
  const { rows, total } = await withSessionOfDag(folder, dagId, (session) =>
    readPages<DagRunRow>(session, { path, key: 'dag_runs', limit }),
  );
  await printRows(rows, {
    format: output,
    emptyText: `the dag "${dagId}" has no${state === undefined ? '' : ` ${state}`} runs`,
    columns: [
      { header: 'dag_run_id', value: (run) => run.dag_run_id },
      { header: 'state', value: (run) => run.state },
      { header: 'start', value: (run) => formatShortInstant(run.start_date) },
      { header: 'took', value: (run) => (run.duration === null ? '' : formatDuration(run.duration * 1_000)) },
    ],
  });
  if (total > rows.length) process.stderr.write(`the newest ${rows.length} of ${total} runs; --limit shows more\n`);
}
