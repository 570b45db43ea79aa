import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { ASSET_ORDER, findAsset, listAssets, type AssetSummary } from '../../store/reads/assets.ts';
import { writeInstant } from '../instants.ts';
import { integer, pageQuery, query, readOrderBy, readPage } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { assetAliasResponse, toAssetAliasResponse } from './asset-aliases.ts';

const reference = z.object({ dag_id: z.string(), created_at: z.string(), updated_at: z.string() });
const taskReference = reference.extend({ task_id: z.string() });

const assetResponse = z.object({
  id: z.int(),
  name: z.string(),
  uri: z.string(),
  group: z.string(),
  extra: z.record(z.string(), z.unknown()).nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  scheduled_dags: z.array(reference),
  producing_tasks: z.array(taskReference),
  consuming_tasks: z.array(taskReference),
  aliases: z.array(assetAliasResponse),
  watchers: z.array(z.never()),
  last_asset_event: z.object({ id: z.int().nullable(), timestamp: z.string().nullable() }),
});

/** Lists assets. */
export const getAssets = apiRoute({
  operationId: 'get_assets',
  method: 'GET',
  url: '/api/v2/assets',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'asset', action: 'read' },
  query: z.object({
    ...pageQuery,
    name_pattern: query.text,
    name_prefix_pattern: query.text,
    uri_pattern: query.text,
    uri_prefix_pattern: query.text,
    dag_ids: query.texts,
    only_active: query.boolean,
  }),
  response: z.object({ assets: z.array(assetResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      namePattern: given.name_pattern,
      namePrefixPattern: given.name_prefix_pattern,
      uriPattern: given.uri_pattern,
      uriPrefixPattern: given.uri_prefix_pattern,
      dagIds: given.dag_ids,
      onlyActive: given.only_active ?? true,
    };
    const { rows, total } = await listAssets(database, filter, readPage(given), readOrderBy(given.order_by, ASSET_ORDER, 'id'));
    return { assets: rows.map(toAssetResponse), total_entries: total };
  },
});

/** One asset. */
export const getAsset = apiRoute({
  operationId: 'get_asset',
  method: 'GET',
  url: '/api/v2/assets/{asset_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'asset', action: 'read' },
  params: z.object({ asset_id: integer() }),
  response: assetResponse,
  async handler({ params }, { database }, { principal }) {
    const asset = await findAsset(database, params.asset_id, principal.readableDags);
    if (asset === undefined) throw new TradewindError('not_found', `The Asset with ID: \`${params.asset_id}\` was not found`);
    return toAssetResponse(asset);
  },
});

/** Airflow's watchers are triggers of its triggerer; ours are subscriptions, listed on their own. */
function toAssetResponse(asset: AssetSummary): z.input<typeof assetResponse> {
  const dated = { created_at: writeInstant(asset.createdAt), updated_at: writeInstant(asset.updatedAt) };
  return {
    id: asset.id,
    name: asset.name,
    uri: asset.uri,
    group: asset.group,
    extra: asset.extra === null ? null : { ...asset.extra },
    ...dated,
    scheduled_dags: asset.scheduledDags.map(({ dagId }) => ({ dag_id: dagId, ...dated })),
    producing_tasks: asset.producingTasks.map(({ dagId, taskId }) => ({ dag_id: dagId, task_id: taskId, ...dated })),
    consuming_tasks: asset.consumingTasks.map(({ dagId, taskId }) => ({ dag_id: dagId, task_id: taskId, ...dated })),
    aliases: asset.aliases.map(toAssetAliasResponse),
    watchers: [],
    last_asset_event: {
      id: asset.lastEvent?.id ?? null,
      timestamp: asset.lastEvent === null ? null : writeInstant(asset.lastEvent.occurredAt),
    },
  };
}
