import type { JsonObject } from '@tradewind/protocol';
import { z } from 'zod';
import { InvalidRequest } from '../request-problems.ts';
import { instantText, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { triggerDagRun } from '../trigger-dag-run.ts';
import { dagRunResponse, requireDagRun, toDagRunResponse } from './dag-runs.ts';

const triggerBody = z.strictObject({
  dag_run_id: text.nullish(),
  data_interval_start: instantText.nullish(),
  data_interval_end: instantText.nullish(),
  logical_date: instantText.nullable(),
  run_after: instantText.nullish(),
  conf: z.record(z.string(), z.unknown()).nullish(),
  note: text.nullish(),
  partition_key: z.null().optional(),
});

/** Creates a run. */
export const postDagRun = apiRoute({
  operationId: 'trigger_dag_run',
  method: 'POST',
  url: '/api/v2/dags/{dag_id}/dagRuns',
  policy: { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'create' },
  params: z.object({ dag_id: text }),
  body: triggerBody,
  response: dagRunResponse,
  async handler({ params, body }, parts, { principal }) {
    const runId = await triggerDagRun(parts, {
      dagId: params.dag_id,
      runId: body.dag_run_id ?? undefined,
      conf: (body.conf ?? {}) as JsonObject,
      note: body.note ?? null,
      logicalAt: body.logical_date,
      interval: readInterval(body),
      runAfterAt: body.run_after ?? undefined,
      triggeredBy: 'rest_api',
      username: principal.username,
    });
    return toDagRunResponse(await requireDagRun(parts.database, params.dag_id, runId));
  },
});

/** Reads a data interval, of which there are both ends or none. */
export function readInterval(
  body: Pick<z.output<typeof triggerBody>, 'data_interval_start' | 'data_interval_end'>,
): { readonly startAt: number; readonly endAt: number } | undefined {
  const startAt = body.data_interval_start ?? null;
  const endAt = body.data_interval_end ?? null;
  if (startAt !== null && endAt !== null && startAt <= endAt) return { startAt, endAt };
  if (startAt === null && endAt === null) return undefined;
  const isHalf = startAt === null || endAt === null;
  const msg = isHalf
    ? 'Either both data_interval_start and data_interval_end must be provided or both must be None'
    : 'data_interval_end must not be before data_interval_start';
  throw new InvalidRequest([{ type: 'value_error', loc: ['body'], msg, input: null }]);
}
