import type { JsonObject } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { findAsset, type AssetSummary } from '../../store/reads/assets.ts';
import { instantText, integer, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { triggerDagRun } from '../trigger-dag-run.ts';
import { dagRunResponse, requireDagRun, toDagRunResponse } from './dag-runs.ts';
import { readInterval } from './post-dag-run.ts';

const materializeBody = z
  .strictObject({
    dag_run_id: text.nullish(),
    data_interval_start: instantText.nullish(),
    data_interval_end: instantText.nullish(),
    logical_date: instantText.nullish(),
    run_after: instantText.nullish(),
    conf: z.record(z.string(), z.unknown()).nullish(),
    note: text.nullish(),
    partition_key: z.null().optional(),
  })
  .nullish();

/** Runs the one dag that produces an asset. */
export const materializeAsset = apiRoute({
  operationId: 'materialize_asset',
  method: 'POST',
  url: '/api/v2/assets/{asset_id}/materialize',
  policy: { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'create' },
  params: z.object({ asset_id: integer() }),
  body: materializeBody,
  response: dagRunResponse,
  async handler({ params, body }, parts, { principal }) {
    const asset = await findAsset(parts.database, params.asset_id, principal.readableDags);
    const dagId = producerOf(params.asset_id, asset);
    const given = body ?? {};
    const runId = await triggerDagRun(parts, {
      dagId,
      runId: given.dag_run_id ?? undefined,
      runType: 'asset_materialization',
      conf: (given.conf ?? {}) as JsonObject,
      note: given.note ?? null,
      logicalAt: given.logical_date ?? null,
      interval: readInterval(given),
      runAfterAt: given.run_after ?? undefined,
      triggeredBy: 'rest_api',
      username: principal.username,
    });
    return toDagRunResponse(await requireDagRun(parts.database, dagId, runId));
  },
});

function producerOf(assetId: number, asset: AssetSummary | undefined): string {
  const dagIds = [...new Set(asset?.producingTasks.map(({ dagId }) => dagId))];
  const [dagId] = dagIds;
  if (dagId === undefined) {
    throw new TradewindError(
      'not_found',
      `No DAG materializes asset with ID: \`${assetId}\`: no task that you may read has it among its outlets`,
    );
  }
  if (dagIds.length === 1) return dagId;
  throw new TradewindError(
    'conflict',
    `More than one DAG materializes asset with ID: \`${assetId}\`: ${dagIds.join(', ')}. Trigger the one that you mean.`,
  );
}
