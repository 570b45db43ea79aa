import { isFinishedTaskInstanceState, type LogRecord } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { listTries, type TaskInstanceSummary } from '../../store/reads/task-instances.ts';
import type { ApiParts } from '../api-parts.ts';
import { integer, optional, query, text } from '../query-schemas.ts';
import { streamRoute, type Reply } from '../route.ts';
import { readTaskLogPart, streamTaskLog, openTaskLog, type TaskLogPart } from '../task-log.ts';
import { requireTaskInstance } from './task-instances.ts';

/** How much of a log one JSON answer holds; the rest follows by its continuation token. */
const PART_BYTES = 1_048_576;
const NDJSON = 'application/x-ndjson';

/** The log of a try. */
export interface FoundLog {
  readonly file: string;
  /** Whether the try has ended, so that nothing is written any more. */
  readonly isComplete: boolean;
}

/**
 * A try's log. As JSON it comes in parts, each with the token of the next one; as `application/x-ndjson`, or with `full_content`, it is streamed to
 * its end. While the try runs there is always a next token: asked with it again, the answer is what was written since.
 */
export const getLog = streamRoute({
  operationId: 'get_log',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task log', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text, task_id: text, try_number: integer({ minimum: 0 }) }),
  query: z.object({ full_content: query.boolean, map_index: optional(integer({ minimum: -1 })), token: query.text }),
  async handler({ params, query: given }, parts, { accept }): Promise<Reply> {
    const name = { dagId: params.dag_id, runId: params.dag_run_id, taskId: params.task_id, mapIndex: given.map_index ?? -1 };
    const instance = await requireTaskInstance(parts.database, name);
    const found = await findLog(parts, instance, params.try_number);
    const wanted = { ...found, offset: given.token === undefined ? 0 : readToken(given.token) };
    if (accept.includes(NDJSON)) return { kind: 'stream', contentType: NDJSON, chunks: asLines(streamTaskLog(wanted.file, wanted.offset)) };
    if (given.full_content === true) {
      return { kind: 'stream', contentType: 'application/json', chunks: asDocument(streamTaskLog(wanted.file, wanted.offset)) };
    }
    const part = await readTaskLogPart(wanted.file, wanted.offset, PART_BYTES);
    return { kind: 'json', status: 200, body: { content: part.records, continuation_token: nextToken(part, wanted) } };
  },
});

/**
 * Finds the log of a try.
 * @throws TradewindError `not_found` for a try that did not begin
 */
export async function findLog(
  parts: Pick<ApiParts, 'database' | 'logsFolder' | 'clock'>,
  instance: TaskInstanceSummary,
  tryNumber: number,
): Promise<FoundLog> {
  const tried = (await listTries(parts.database, instance)).find((one) => one.tryNumber === tryNumber);
  const file = tried === undefined ? undefined : await openTaskLog(parts, instance, tried);
  if (tried === undefined || file === undefined) throw new TradewindError('not_found', 'TaskInstance not found');
  const isComplete = isFinishedTaskInstanceState(tried.state) || tried.state === 'up_for_retry';
  return { file, isComplete };
}

/** Tokens are offsets in disguise: nothing secret, and whoever makes one up reads the same log from another place. */
function writeToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString('base64url');
}

function readToken(token: string): number {
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { readonly offset?: unknown };
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset;
  } catch {
    // Not one of ours: the same answer as below.
  }
  throw new TradewindError('bad_request', 'Bad token: use only the continuation tokens that this API gave, for the same log.');
}

function nextToken(part: TaskLogPart, wanted: FoundLog): string | null {
  return part.isAtEnd && wanted.isComplete ? null : writeToken(part.nextOffset);
}

async function* asLines(records: AsyncIterable<LogRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(record)}\n`;
}

async function* asDocument(records: AsyncIterable<LogRecord>): AsyncGenerator<string> {
  yield '{"content":[';
  let separator = '';
  for await (const record of records) {
    yield separator + JSON.stringify(record);
    separator = ',';
  }
  yield '],"continuation_token":null}';
}
