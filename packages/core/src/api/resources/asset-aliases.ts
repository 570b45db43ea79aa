import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { ASSET_ALIAS_ORDER, listAssetAliases } from '../../store/reads/asset-aliases.ts';
import type { AssetAliasSummary } from '../../store/reads/assets.ts';
import { integer, pageQuery, query, readOrderBy, readPage } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

export const assetAliasResponse = z.object({ id: z.int(), name: z.string(), group: z.string() });

/** Lists asset aliases. */
export const getAssetAliases = apiRoute({
  operationId: 'get_asset_aliases',
  method: 'GET',
  url: '/api/v2/assets/aliases',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'asset', action: 'read' },
  query: z.object({ ...pageQuery, name_pattern: query.text, name_prefix_pattern: query.text }),
  response: z.object({ asset_aliases: z.array(assetAliasResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = { readable: principal.readableDags, namePattern: given.name_pattern, namePrefixPattern: given.name_prefix_pattern };
    const orderBy = readOrderBy(given.order_by, ASSET_ALIAS_ORDER, 'id');
    const { rows, total } = await listAssetAliases(database, filter, readPage(given), orderBy);
    return { asset_aliases: rows.map(toAssetAliasResponse), total_entries: total };
  },
});

/** One asset alias. */
export const getAssetAlias = apiRoute({
  operationId: 'get_asset_alias',
  method: 'GET',
  url: '/api/v2/assets/aliases/{asset_alias_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'asset', action: 'read' },
  params: z.object({ asset_alias_id: integer() }),
  response: assetAliasResponse,
  async handler({ params: { asset_alias_id: id } }, { database }, { principal }) {
    const { rows } = await listAssetAliases(database, { readable: principal.readableDags, id }, { limit: 1, offset: 0 });
    const [alias] = rows;
    if (alias === undefined) throw new TradewindError('not_found', `The Asset Alias with ID: \`${id}\` was not found`);
    return toAssetAliasResponse(alias);
  },
});

/** Aliases have no groups here; Airflow's default stands in the place. */
export function toAssetAliasResponse({ id, name }: AssetAliasSummary): z.input<typeof assetAliasResponse> {
  return { id, name, group: 'asset' };
}
