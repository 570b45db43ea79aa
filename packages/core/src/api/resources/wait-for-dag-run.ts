import { isFinishedDagRunState, type JsonValue } from '@tradewind/protocol';
import { z } from 'zod';
import { sleep } from '../../platform/clock.ts';
import { findDagRun, type DagRunSummary } from '../../store/reads/dag-runs.ts';
import { listReturnedValues } from '../../store/reads/xcoms.ts';
import type { ApiParts } from '../api-parts.ts';
import { list, number, text } from '../query-schemas.ts';
import { readValue } from '../read-value.ts';
import { problemOf } from '../request-problems.ts';
import { streamRoute, type Reply } from '../route.ts';
import { requireDagRun } from './dag-runs.ts';

/**
 * Says in which state a run is, a line each time that somebody could have looked, until it has ended; with the last line comes what the tasks named in `result` returned. The client
 * chooses how often is looked.
 */
export const waitForDagRun = streamRoute({
  operationId: 'wait_dag_run_until_finished',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag run', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text }),
  query: z.object({
    interval: number.refine((seconds) => seconds > 0, problemOf('greater_than', 'Input should be greater than 0')),
    result: list(text),
  }),
  async handler({ params, query }, parts): Promise<Reply> {
    const run = await requireDagRun(parts.database, params.dag_id, params.dag_run_id);
    const chunks = follow(run, { parts, intervalMs: query.interval * 1_000, results: query.result });
    return { kind: 'stream', contentType: 'application/x-ndjson', chunks };
  },
});

interface Following {
  readonly parts: ApiParts;
  readonly intervalMs: number;
  readonly results: readonly string[];
}

async function* follow(run: DagRunSummary, { parts, intervalMs, results }: Following): AsyncGenerator<string> {
  let current: DagRunSummary | undefined = run;
  while (current !== undefined && !isFinishedDagRunState(current.state)) {
    yield `${JSON.stringify({ state: current.state })}\n`;
    await sleep(parts.clock, intervalMs, parts.closing);
    if (parts.closing.aborted) return;
    // Undefined where somebody deleted it: the stream ends.
    current = await findDagRun(parts.database, run.dagId, run.runId);
  }
  if (current === undefined) return;
  const returned = results.length === 0 ? {} : { results: await readResults(parts, current.id, results) };
  yield `${JSON.stringify({ state: current.state, ...returned })}\n`;
}

/** By task id what it returned: of a mapped task a list, of one that returned nothing null. */
async function readResults(parts: ApiParts, dagRunId: string, taskIds: readonly string[]): Promise<Readonly<Record<string, JsonValue>>> {
  const returned = await listReturnedValues(parts.database, dagRunId, taskIds);
  const read = await Promise.all(returned.map(async (found) => ({ ...found, value: await readValue(parts, found) })));
  const values = Map.groupBy(read, ({ taskId }) => taskId);
  return Object.fromEntries(
    taskIds.map((taskId) => {
      const [first, ...more] = values.get(taskId) ?? [];
      if (first === undefined) return [taskId, null];
      return [taskId, first.mapIndex === -1 ? first.value : [first, ...more].map(({ value }) => value)];
    }),
  );
}
