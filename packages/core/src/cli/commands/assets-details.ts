import { formatShortInstant } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { findAssetBy, type AssetChoice, type AssetRow } from './assets-session.ts';

/** `tradewind assets details --name … --uri …` */
export async function showAsset({ folder, output, ...choice }: OutputOptions & AssetChoice): Promise<undefined> {
  const asset = await withSession(folder, (session) => findAssetBy(session, choice));
  if (output === 'json' || output === 'yaml') {
    await printRows([asset], { format: output, columns: [] });
    return undefined;
  }
  await printRows(factsOf(asset), {
    format: output,
    columns: [
      { header: 'fact', value: (row) => row.fact },
      { header: 'value', value: (row) => row.value, isCuttable: true },
    ],
  });
  return undefined;
}

function factsOf(asset: AssetRow): readonly { readonly fact: string; readonly value: string }[] {
  const tasks = (list: AssetRow['producing_tasks']): string => list.map((task) => `${task.dag_id}.${task.task_id}`).join(', ');
  return [
    { fact: 'name', value: asset.name },
    { fact: 'uri', value: asset.uri },
    { fact: 'group', value: asset.group },
    { fact: 'extra', value: asset.extra === null ? '' : JSON.stringify(asset.extra) },
    { fact: 'starts', value: asset.scheduled_dags.map((dag) => dag.dag_id).join(', ') },
    { fact: 'produced by', value: tasks(asset.producing_tasks) },
    { fact: 'read by', value: tasks(asset.consuming_tasks) },
    { fact: 'aliases', value: asset.aliases.map((alias) => alias.name).join(', ') },
    { fact: 'last event', value: formatShortInstant(asset.last_asset_event.timestamp) },
  ];
}
