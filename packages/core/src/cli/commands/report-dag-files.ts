import { formatDuration } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { ApiCall } from '../session/environment-session.ts';
import { withSession } from '../session/open-session.ts';

/** A dag file as the API gives it. */
interface DagFileRow {
  readonly bundle_name: string;
  readonly file: string;
  readonly duration: number | null;
  readonly dag_ids: readonly string[];
  readonly task_count: number;
  readonly warnings: readonly string[];
  readonly import_error: string | null;
}

/** `tradewind dags report` */
export async function reportDagFiles(options: OutputOptions): Promise<undefined> {
  await print({ method: 'GET', path: '/api/v2/tradewind/dagFiles' }, options);
}

/** `tradewind dags reserialize` */
export async function reserializeDags(options: OutputOptions): Promise<undefined> {
  await print({ method: 'POST', path: '/api/v2/tradewind/dagFiles/reread' }, options);
}

async function print(call: ApiCall, { folder, output }: OutputOptions): Promise<void> {
  const { files } = (await withSession(folder, (session) => session.ask(call))) as { readonly files: readonly DagFileRow[] };
  await printRows(files, {
    format: output,
    emptyText: 'there are no dag files',
    columns: [
      { header: 'file', value: (row) => row.file, isCuttable: true },
      { header: 'bundle', value: (row) => row.bundle_name, isCuttable: true },
      { header: 'took', value: (row) => (row.duration === null ? '' : formatDuration(row.duration * 1_000)) },
      { header: 'dags', value: (row) => String(row.dag_ids.length) },
      { header: 'tasks', value: (row) => String(row.task_count) },
      { header: 'problems', value: (row) => [row.import_error ?? [], row.warnings].flat().join('; '), isCuttable: true },
    ],
  });
}
