import type { JsonValue } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { findXCom } from '../../store/reads/xcoms.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { integer, optional, query, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

/** A value that a task left behind. `deserialize` changes nothing: values are JSON, and are never anything else. */
export const getXComEntry = apiRoute({
  operationId: 'get_xcom_entry',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'xcom', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text, task_id: text, xcom_key: text }),
  query: z.object({ map_index: optional(integer({ minimum: -1 })), deserialize: query.boolean, stringify: query.boolean }),
  response: z.object({
    key: z.string(),
    timestamp: z.string(),
    logical_date: z.string().nullable(),
    map_index: z.int(),
    task_id: z.string(),
    dag_id: z.string(),
    run_id: z.string(),
    dag_display_name: z.string(),
    task_display_name: z.string(),
    run_after: z.string(),
    value: z.unknown(),
  }),
  async handler({ params, query: given }, { database }) {
    const name = { dagId: params.dag_id, runId: params.dag_run_id, taskId: params.task_id, mapIndex: given.map_index ?? -1 };
    const xcom = await findXCom(database, name, params.xcom_key);
    if (xcom === undefined) throw new TradewindError('not_found', `XCom entry with key: \`${params.xcom_key}\` not found`);
    return {
      key: xcom.key,
      timestamp: writeInstant(xcom.createdAt),
      logical_date: writeInstantOrNull(xcom.logicalAt),
      map_index: xcom.mapIndex,
      task_id: xcom.taskId,
      dag_id: xcom.dagId,
      run_id: xcom.runId,
      dag_display_name: xcom.dagDisplayName,
      task_display_name: xcom.taskId,
      run_after: writeInstant(xcom.runAfterAt),
      value: given.stringify === true ? asText(xcom.value) : xcom.value,
    };
  },
});

function asText(value: JsonValue): string | null {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}
