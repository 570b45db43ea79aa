import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { findAssetBy, type AssetChoice } from './assets-session.ts';

/** A dag run as the API gives it: what is shown of it here. */
interface DagRunRow {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly state: string;
}

/** `tradewind assets materialize --name … --uri …` */
export async function materializeAsset({ folder, output, ...choice }: OutputOptions & AssetChoice): Promise<undefined> {
  const run = await withSession(folder, async (session) => {
    const { id } = await findAssetBy(session, choice);
    return (await session.ask({ method: 'POST', path: `/api/v2/assets/${id}/materialize`, body: {} })) as DagRunRow;
  });
  await printRows([run], {
    format: output,
    columns: [
      { header: 'dag_id', value: (row) => row.dag_id },
      { header: 'dag_run_id', value: (row) => row.dag_run_id },
      { header: 'state', value: (row) => row.state },
    ],
  });
  return undefined;
}
