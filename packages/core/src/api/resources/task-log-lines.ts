/** What Airflow's log route cannot say: a log by its lines, what is in it, where something stands in it, and what is being written. */
import { LOG_LEVELS } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { findTaskInstance } from '../../store/reads/task-instances.ts';
import { followTaskLog } from '../../task-logs/follow-task-log.ts';
import { indexTaskLog } from '../../task-logs/index-task-log.ts';
import { LOG_SOURCES, type LogLine } from '../../task-logs/log-line.ts';
import { readTaskLogLines } from '../../task-logs/read-task-log-lines.ts';
import { findPatternProblem } from '../../task-logs/search-task-log.ts';
import { MAX_ERROR_LINES } from '../../task-logs/task-log-index.ts';
import type { ApiParts } from '../api-parts.ts';
import { integer, list, oneOf, optional, query, text } from '../query-schemas.ts';
import { apiRoute, streamRoute, type Reply } from '../route.ts';
import { requireTaskInstance } from './task-instances.ts';
import { findLog, type FoundLog } from './task-logs.ts';

const LOG_URL = '/api/v2/tradewind/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}';
const policy = { kind: 'role', atLeast: 'viewer', resource: 'task log', action: 'read' } as const;
const params = z.object({ dag_id: text, dag_run_id: text, task_id: text, try_number: integer({ minimum: 0 }) });
const mapIndex = optional(integer({ minimum: -1 }));
const lineNumber = optional(integer({ minimum: 1 }));

/** How much one answer holds; the rest is asked for by its line. */
const LIMITS = { lines: 1_000, bytes: 1_048_576 };
const DEFAULT_MATCHES = 100;
const MAX_PATTERN_LENGTH = 1_000;

const logLine = z.object({
  line: z.int(),
  source: z.enum(LOG_SOURCES),
  group: z.string().nullable(),
  record: z.looseObject({ event: z.string() }),
});

/** What is in a log: how many lines of which level and source, where the errors are, and which groups there are. */
export const getLogIndex = apiRoute({
  operationId: 'get_log_index',
  method: 'GET',
  url: `${LOG_URL}/index`,
  policy,
  params,
  query: z.object({ map_index: mapIndex }),
  response: z.object({
    lines: z.int(),
    bytes: z.int(),
    is_complete: z.boolean(),
    levels: z.record(z.enum(LOG_LEVELS), z.int()),
    sources: z.record(z.enum(LOG_SOURCES), z.int()),
    error_lines: z.array(z.int()),
    error_lines_truncated: z.boolean(),
    groups: z.array(z.object({ name: z.string(), from_line: z.int(), to_line: z.int().nullable(), parent: z.int().nullable() })),
  }),
  async handler(input, parts) {
    const { file, isComplete } = await requireLog(parts, input);
    const { lines, bytes, levels, sources, errorLines, groups } = await indexTaskLog(file);
    return {
      lines,
      bytes,
      is_complete: isComplete,
      levels,
      sources,
      error_lines: [...errorLines],
      error_lines_truncated: levels.error > MAX_ERROR_LINES,
      groups: groups.groups.map(({ name, from, to, parent }) => ({ name, from_line: from, to_line: to, parent })),
    };
  },
});

/** Lines of a log by their numbers, or its last ones. */
export const getLogLines = apiRoute({
  operationId: 'get_log_lines',
  method: 'GET',
  url: `${LOG_URL}/lines`,
  policy,
  params,
  query: z.object({ map_index: mapIndex, from: lineNumber, to: lineNumber, tail: lineNumber }),
  response: z.object({ lines: z.array(logLine), next_line: z.int(), total_lines: z.int(), is_complete: z.boolean() }),
  async handler(input, parts) {
    const { from, to, tail } = input.query;
    if (tail !== undefined && (from !== undefined || to !== undefined)) {
      throw new TradewindError('bad_request', '`tail` asks for the last lines and does not go with `from` and `to`; give one or the other');
    }
    const { file, isComplete } = await requireLog(parts, input);
    const index = await indexTaskLog(file);
    const range = tail === undefined ? { from: from ?? 1, to: to ?? index.lines } : { from: index.lines - tail + 1, to: index.lines };
    const part = await readTaskLogLines(file, index, range, LIMITS);
    return { lines: part.lines.map(toLineResponse), next_line: part.nextLine, total_lines: index.lines, is_complete: isComplete };
  },
});

/** Lines of a log that have a text, fit a regular expression, or are of a level and source. */
export const searchLog = apiRoute({
  operationId: 'search_log',
  method: 'GET',
  url: `${LOG_URL}/search`,
  policy,
  params,
  query: z.object({
    map_index: mapIndex,
    text: query.text,
    regex: query.text,
    level: optional(oneOf(LOG_LEVELS)),
    source: list(oneOf(LOG_SOURCES)),
    from: lineNumber,
    limit: lineNumber,
  }),
  response: z.object({ lines: z.array(logLine), next_line: z.int().nullable(), is_complete: z.boolean() }),
  async handler(input, parts) {
    const { text: wanted, regex, level, source, from = 1, limit = DEFAULT_MATCHES } = input.query;
    if (wanted === '') throw new TradewindError('bad_request', '`text` is empty; leave it out to search by level and source alone');
    if (regex !== undefined) checkPattern(regex);
    const { file, isComplete } = await requireLog(parts, input);
    const { lines, nextLine } = await parts.logSearches.search(file, {
      text: wanted,
      pattern: regex,
      leastLevel: level,
      sources: source.length === 0 ? undefined : source,
      fromLine: from,
      limit: Math.min(limit, LIMITS.lines),
    });
    return { lines: lines.map(toLineResponse), next_line: nextLine, is_complete: isComplete };
  },
});

/** A log while it is written, as NDJSON, from a line on until the try has ended. */
export const followLog = streamRoute({
  operationId: 'follow_log',
  method: 'GET',
  url: `${LOG_URL}/follow`,
  policy,
  params,
  query: z.object({ map_index: mapIndex, from: lineNumber }),
  async handler(input, parts): Promise<Reply> {
    const { file } = await requireLog(parts, input);
    const isEnded = async (): Promise<boolean> => {
      // A task instance that was deleted meanwhile writes no more.
      const instance = await findTaskInstance(parts.database, nameOf(input));
      return instance === undefined || (await findLog(parts, instance, input.params.try_number)).isComplete;
    };
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, parts.closing]);
    const told = followTaskLog({ file, fromLine: input.query.from ?? 1, isEnded, clock: parts.clock, signal });
    const chunks = untilLeft(asLines(told), () => left.abort());
    // A connection that were kept after this answer would keep a closing server waiting for its next request.
    return { kind: 'stream', contentType: 'application/x-ndjson', chunks, headers: { connection: 'close' } };
  },
});

interface LogInput {
  readonly params: z.output<typeof params>;
  readonly query: { readonly map_index?: number | undefined };
}

function nameOf({ params: given, query: { map_index: index } }: LogInput) {
  return { dagId: given.dag_id, runId: given.dag_run_id, taskId: given.task_id, mapIndex: index ?? -1 };
}

async function requireLog(parts: ApiParts, input: LogInput): Promise<FoundLog> {
  return findLog(parts, await requireTaskInstance(parts.database, nameOf(input)), input.params.try_number);
}

function checkPattern(pattern: string): void {
  const problem =
    pattern.length > MAX_PATTERN_LENGTH
      ? `it has ${pattern.length} characters; at most ${MAX_PATTERN_LENGTH} are taken`
      : findPatternProblem(pattern);
  if (problem !== undefined) throw new TradewindError('bad_request', `\`regex\` is no regular expression that can be used: ${problem}`);
}

function toLineResponse({ line, source, group, record }: LogLine) {
  return { line, source, group, record: { ...record } };
}

async function* asLines(parts: AsyncIterable<readonly LogLine[]>): AsyncGenerator<string> {
  for await (const lines of parts) yield lines.map((line) => `${JSON.stringify(toLineResponse(line))}\n`).join('');
}

/** A reader who leaves is noticed while nothing is written, too: a generator alone would hear of it with the next line only. */
function untilLeft(chunks: AsyncGenerator<string>, onLeave: () => void): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      return() {
        onLeave();
        return chunks.return(undefined);
      },
    }),
  };
}
