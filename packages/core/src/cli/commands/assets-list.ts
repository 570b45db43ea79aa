import { formatShortInstant } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';
import type { AssetRow } from './assets-session.ts';

interface ListAssetsOptions extends OutputOptions {
  readonly alias?: boolean;
}

/** `tradewind assets list [--alias]` */
export async function listAssets({ folder, output, alias }: ListAssetsOptions): Promise<undefined> {
  if (alias === true) return listAliases({ folder, output });
  const { rows } = await withSession(folder, (session) =>
    readPages<AssetRow>(session, { path: '/api/v2/assets?order_by=name', key: 'assets' }),
  );
  await printRows(rows, {
    format: output,
    emptyText: 'no dag is scheduled on an asset or produces one',
    columns: [
      { header: 'name', value: (asset) => asset.name },
      { header: 'uri', value: (asset) => asset.uri, isCuttable: true },
      { header: 'group', value: (asset) => asset.group },
      { header: 'last event', value: (asset) => formatShortInstant(asset.last_asset_event.timestamp) },
    ],
  });
  return undefined;
}

async function listAliases({
  folder,
  output,
}: Pick<OutputOptions, 'output'> & { readonly folder: string | undefined }): Promise<undefined> {
  const { rows } = await withSession(folder, (session) =>
    readPages<{ readonly name: string; readonly group: string }>(session, {
      path: '/api/v2/assets/aliases?order_by=name',
      key: 'asset_aliases',
    }),
  );
  await printRows(rows, {
    format: output,
    emptyText: 'no dag names an asset alias',
    columns: [
      { header: 'name', value: (row) => row.name },
      { header: 'group', value: (row) => row.group },
    ],
  });
  return undefined;
}
