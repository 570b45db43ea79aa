import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

/** A dag as the API gives it: what the table shows of it. */
interface DagRow {
  readonly dag_id: string;
  readonly is_paused: boolean;
  readonly timetable_summary: string | null;
  readonly relative_fileloc: string;
  readonly tags: readonly { readonly name: string }[];
}

/** `tradewind dags list` */
export async function listDags({ folder, output }: OutputOptions): Promise<undefined> {
  const { rows, where } = await withSession(folder, async (session) => ({
    ...(await readPages<DagRow>(session, { path: '/api/v2/dags?order_by=dag_id', key: 'dags' })),
    where: session.config.dagsFolder,
  }));
  await printRows(rows, {
    format: output,
    emptyText: `no dag files in ${where} define a dag`,
    columns: [
      { header: 'dag_id', value: (dag) => dag.dag_id },
      { header: 'is_paused', value: (dag) => String(dag.is_paused) },
      { header: 'schedule', value: (dag) => dag.timetable_summary ?? '', isCuttable: true },
      { header: 'file', value: (dag) => dag.relative_fileloc, isCuttable: true },
      { header: 'tags', value: (dag) => dag.tags.map(({ name }) => name).join(', '), isCuttable: true },
    ],
  });
}
