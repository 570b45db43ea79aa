import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

/** An import error as the API gives it: what the table shows of it. */
interface ImportErrorRow {
  readonly filename: string;
  readonly stack_trace: string;
}

/** `tradewind dags list-import-errors` */
export async function listImportErrors({ folder, output }: OutputOptions): Promise<undefined> {
  const { rows } = await withSession(folder, (session) =>
    readPages<ImportErrorRow>(session, { path: '/api/v2/importErrors?order_by=filename', key: 'import_errors' }),
  );
  await printRows(rows, {
    format: output,
    emptyText: 'every dag file can be read',
    columns: [
      { header: 'filename', value: (error) => error.filename },
      // The first line says where and why; the rest is the excerpt and the stack.
      { header: 'error', value: (error) => error.stack_trace.split('\n', 1)[0] ?? '', isCuttable: true },
    ],
  });
}
