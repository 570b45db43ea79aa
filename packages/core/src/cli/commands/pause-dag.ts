import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';

/** `tradewind dags pause <dag_id>` */
export function pauseDag(dagId: string, options: OutputOptions): Promise<undefined> {
  return setPaused(dagId, true, options);
}

/** `tradewind dags unpause <dag_id>` */
export function unpauseDag(dagId: string, options: OutputOptions): Promise<undefined> {
  return setPaused(dagId, false, options);
}

async function setPaused(dagId: string, isPaused: boolean, { folder, output }: OutputOptions): Promise<undefined> {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}`;
  const dag = await withSessionOfDag(folder, dagId, (session) => session.ask({ method: 'PATCH', path, body: { is_paused: isPaused } }));
  await printRows([dag as { readonly dag_id: string; readonly is_paused: boolean }], {
    format: output,
    columns: [
      { header: 'dag_id', value: (row) => row.dag_id },
      { header: 'is_paused', value: (row) => String(row.is_paused) },
    ],
  });
}
