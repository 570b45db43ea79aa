import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { readPages } from '../session/read-pages.ts';

/** An asset as the API gives it: what the commands show of it. */
export interface AssetRow {
  readonly id: number;
  readonly name: string;
  readonly uri: string;
  readonly group: string;
  readonly extra: Readonly<Record<string, unknown>> | null;
  readonly scheduled_dags: readonly { readonly dag_id: string }[];
  readonly producing_tasks: readonly { readonly dag_id: string; readonly task_id: string }[];
  readonly consuming_tasks: readonly { readonly dag_id: string; readonly task_id: string }[];
  readonly aliases: readonly { readonly name: string }[];
  readonly last_asset_event: { readonly timestamp: string | null };
}

/** Which asset a command is about. */
export interface AssetChoice {
  readonly name?: string;
  readonly uri?: string;
}

/**
 * Finds the one asset that has the name, the uri, or both.
 * @throws TradewindError `usage` where neither is given, `not_found` where there is none
 */
export async function findAssetBy(session: EnvironmentSession, { name, uri }: AssetChoice): Promise<AssetRow> {
  if (name === undefined && uri === undefined) throw new TradewindError('usage', 'say which asset: --name, --uri, or both');
  const { rows } = await readPages<AssetRow>(session, { path: '/api/v2/assets?only_active=false&order_by=name', key: 'assets' });
  const found = rows.find((asset) => (name === undefined || asset.name === name) && (uri === undefined || asset.uri === uri));
  if (found !== undefined) return found;
  const wanted = [name === undefined ? [] : [`name "${name}"`], uri === undefined ? [] : [`uri "${uri}"`]].flat().join(' and ');
  throw new TradewindError('not_found', `${session.config.name} has no asset with the ${wanted}; "tradewind assets list" shows all`);
}
