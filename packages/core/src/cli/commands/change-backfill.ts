import { BACKFILL_COLUMNS, type BackfillRow } from '../output/backfill-columns.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

/** `tradewind backfill pause <backfill_id>` */
export function pauseBackfill(id: number, options: OutputOptions): Promise<undefined> {
  return change(id, 'pause', options);
}

/** `tradewind backfill unpause <backfill_id>` */
export function unpauseBackfill(id: number, options: OutputOptions): Promise<undefined> {
  return change(id, 'unpause', options);
}

/** `tradewind backfill cancel <backfill_id>` */
export function cancelBackfill(id: number, options: OutputOptions): Promise<undefined> {
  return change(id, 'cancel', options);
}

async function change(id: number, verb: 'pause' | 'unpause' | 'cancel', { folder, output }: OutputOptions): Promise<undefined> {
  const changed = await withSession(folder, (session) => session.ask({ method: 'PUT', path: `/api/v2/backfills/${id}/${verb}` }));
  await printRows([changed as BackfillRow], { format: output, columns: BACKFILL_COLUMNS });
}
