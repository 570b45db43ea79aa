import { BACKFILL_COLUMNS, type BackfillRow } from '../output/backfill-columns.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface ListBackfillsOptions extends OutputOptions {
  readonly dagId: string;
  readonly limit: number;
}

/** `tradewind backfill list` */
export async function listBackfills({ dagId, limit, folder, output }: ListBackfillsOptions): Promise<undefined> {
  const path = `/api/v2/backfills?dag_id=${encodeURIComponent(dagId)}&order_by=-id`;
  const { rows, total } = await withSessionOfDag(folder, dagId, (session) =>
    readPages<BackfillRow>(session, { path, key: 'backfills', limit }),
  );
  await printRows(rows, { format: output, emptyText: `the dag "${dagId}" has no backfills`, columns: BACKFILL_COLUMNS });
  if (total > rows.length) process.stderr.write(`the newest ${rows.length} of ${total} backfills; --limit shows more\n`);
}
