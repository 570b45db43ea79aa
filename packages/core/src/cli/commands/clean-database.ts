import { confirm } from '../confirm.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

interface CleanOptions extends OutputOptions {
  readonly cleanBeforeTimestamp: string;
  readonly tables?: readonly string[];
  readonly dagIds?: readonly string[];
  readonly excludeDagIds?: readonly string[];
  readonly batchSize?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface CleanedTable {
  readonly table: string;
  readonly rows: number;
}

/** `tradewind db clean`: says what is old, asks, and deletes it. Works while the environment runs. */
export async function cleanDatabase(options: CleanOptions): Promise<undefined> {
  const body = {
    clean_before: options.cleanBeforeTimestamp,
    tables: options.tables,
    dag_ids: options.dagIds,
    exclude_dag_ids: options.excludeDagIds,
    batch_size: options.batchSize,
  };
  const cleaned = await withSession(options.folder, async (session) => {
    const ask = async (isDryRun: boolean): Promise<readonly CleanedTable[]> => {
      const answer = await session.ask({ method: 'POST', path: '/api/v2/tradewind/clean', body: { ...body, dry_run: isDryRun } });
      return (answer as { readonly tables: readonly CleanedTable[] }).tables;
    };
    const old = await ask(true);
    const rows = old.reduce((sum, table) => sum + table.rows, 0);
    if (options.dryRun === true || rows === 0) return old;
    if (options.yes !== true) await confirm(`delete ${rows} rows of ${session.config.name}, and what belongs to them, for good?`);
    return ask(false);
  });
  if (options.dryRun === true) process.stderr.write('so much would be deleted; nothing was changed\n');
  await printRows(cleaned, {
    format: options.output,
    columns: [
      { header: 'table', value: ({ table }) => table },
      { header: 'rows', value: ({ rows }) => String(rows) },
    ],
  });
}
