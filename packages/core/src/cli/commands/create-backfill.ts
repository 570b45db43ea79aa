import { BACKFILL_COLUMNS, type BackfillRow } from '../output/backfill-columns.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface CreateBackfillOptions extends OutputOptions {
  readonly dagId: string;
  readonly fromDate: string;
  readonly toDate: string;
  readonly dagRunConf?: Readonly<Record<string, unknown>>;
  readonly runBackwards?: boolean;
  readonly maxActiveRuns: number;
  readonly reprocessBehavior: string;
  /** @default true */
  readonly runOnLatestVersion?: boolean;
  readonly dryRun?: boolean;
}

/** A date that a backfill would run, as the API gives it. */
interface DateRow {
  readonly logical_date: string;
}

/** `tradewind backfill create`: with `--dry-run` it lists the dates and creates nothing. */
export async function createBackfill(options: CreateBackfillOptions): Promise<undefined> {
  const { dagId, folder, output } = options;
  const body = bodyOf(options);
  if (options.dryRun !== true) {
    const created = await withSessionOfDag(folder, dagId, (session) => session.ask({ method: 'POST', path: '/api/v2/backfills', body }));
    await printRows([created as BackfillRow], { format: output, columns: BACKFILL_COLUMNS });
    return;
  }
  const planned = await withSessionOfDag(folder, dagId, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/backfills/dry_run', body }),
  );
  const { backfills } = planned as { readonly backfills: readonly DateRow[] };
  await printRows(backfills, {
    format: output,
    emptyText: `a backfill of "${dagId}" from ${options.fromDate} to ${options.toDate} would run nothing`,
    columns: [{ header: 'logical_date', value: (row) => row.logical_date }],
  });
}

function bodyOf(options: CreateBackfillOptions): Readonly<Record<string, unknown>> {
  return {
    dag_id: options.dagId,
    from_date: options.fromDate,
    to_date: options.toDate,
    run_backwards: options.runBackwards ?? false,
    dag_run_conf: options.dagRunConf ?? null,
    reprocess_behavior: options.reprocessBehavior,
    max_active_runs: options.maxActiveRuns,
    run_on_latest_version: options.runOnLatestVersion ?? true,
  };
}
