import { assetScheduleOf, conditionOf, type AssetCondition, type JsonObject, type SerializedDag } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { findDag } from '../../store/reads/dags.ts';
import { countActiveRuns } from '../../store/reads/dag-runs.ts';
import { findDagVersion } from '../../store/reads/dag-versions.ts';
import { text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { dagVersionResponse } from './dag-runs.ts';
import { toVersionResponse } from './dag-versions.ts';
import { dagResponse, toDagResponse } from './dags.ts';

const instant = z.string();

/** One dag with all that its author says of it. */
export const getDagDetails = apiRoute({
  operationId: 'get_dag_details',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/details',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  params: z.object({ dag_id: text }),
  response: dagResponse.extend({
    catchup: z.boolean(),
    dag_run_timeout: z.string().nullable(),
    asset_expression: z.record(z.string(), z.unknown()).nullable(),
    doc_md: z.string().nullable(),
    start_date: instant.nullable(),
    end_date: instant.nullable(),
    is_paused_upon_creation: z.boolean(),
    params: z.record(
      z.string(),
      z.object({ value: z.unknown(), description: z.string().nullable(), schema: z.record(z.string(), z.unknown()) }),
    ),
    render_template_as_native_obj: z.boolean(),
    template_search_path: z.null(),
    timezone: z.string().nullable(),
    last_parsed: instant,
    default_args: z.null(),
    owner_links: z.null(),
    active_runs_count: z.int(),
    concurrency: z.int(),
    latest_dag_version: dagVersionResponse,
  }),
  async handler({ params }, { database }) {
    const dag = await findDag(database, params.dag_id);
    const current = await findDagVersion(database, params.dag_id);
    if (dag === undefined || current === undefined) throw new TradewindError('not_found', `Dag with id ${params.dag_id} was not found`);
    const definition = current.dag;
    const summary = toDagResponse(dag);
    return {
      ...summary,
      catchup: definition.catchup,
      dag_run_timeout:
        definition.dagrunTimeoutMs === undefined ? null : Temporal.Duration.from({ milliseconds: definition.dagrunTimeoutMs }).toString(),
      asset_expression: assetExpression(definition),
      doc_md: definition.doc ?? null,
      start_date: definition.startDate ?? null,
      end_date: definition.endDate ?? null,
      is_paused_upon_creation: definition.isPausedUponCreation,
      params: Object.fromEntries(Object.entries(definition.params).map(([name, schema]) => [name, toParam(schema)])),
      render_template_as_native_obj: false,
      template_search_path: null,
      timezone: timezoneOf(definition),
      last_parsed: summary.last_parsed_time,
      default_args: null,
      owner_links: null,
      active_runs_count: await countActiveRuns(database, params.dag_id),
      concurrency: definition.maxActiveTasks,
      latest_dag_version: toVersionResponse(current.version),
    };
  },
});

function toParam({ default: value = null, description, ...schema }: JsonObject) {
  return { value, description: typeof description === 'string' ? description : null, schema: { ...schema } };
}

/** The zone that the schedule names; a dag without a clock has none. */
function timezoneOf({ schedule }: SerializedDag): string | null {
  const { timezone } = schedule as { readonly timezone?: unknown };
  return typeof timezone === 'string' ? timezone : null;
}

/** Airflow's spelling of what an asset schedule waits for. */
function assetExpression({ schedule, assets }: SerializedDag): Record<string, unknown> | null {
  const waited = assetScheduleOf(schedule);
  return waited === undefined ? null : express(conditionOf(waited), new Map(assets.map((asset) => [asset.name, asset])));
}

function express(condition: AssetCondition, assets: ReadonlyMap<string, SerializedDag['assets'][number]>): Record<string, unknown> {
  if (typeof condition === 'string') {
    const { name, uri, group } = assets.get(condition) ?? { name: condition, uri: condition, group: 'asset' };
    return { asset: { name, uri, group } };
  }
  if ('alias' in condition) return { alias: { name: condition.alias, group: 'asset' } };
  if ('name' in condition || 'uri' in condition) return { asset_ref: condition };
  return condition.any === undefined
    ? { all: condition.all.map((part) => express(part, assets)) }
    : { any: condition.any.map((part) => express(part, assets)) };
}
