import type { LogLevel } from '@tradewind/protocol';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { LogLine } from '../../task-logs/log-line.ts';
import { isWanted } from '../../task-logs/read-task-log-lines.ts';
import { hasText } from '../../task-logs/search-task-log.ts';
import { formatLogRecord } from '../output/format-log-record.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface TaskLogOptions extends OutputOptions {
  readonly try?: number;
  readonly mapIndex?: number;
  readonly follow?: boolean;
  readonly from?: number;
  readonly to?: number;
  readonly tail?: number;
  readonly grep?: string;
  readonly level?: LogLevel;
}

/** A part of a log as the API gives it. */
interface LogPart {
  readonly lines: readonly LogLine[];
  readonly next_line: number | null;
  readonly is_complete: boolean;
}

interface AskedLog {
  readonly session: EnvironmentSession;
  /** Of the log, with its try. */
  readonly path: string;
  readonly options: TaskLogOptions;
}

const POLL_MS = 500;

/** `tradewind tasks logs <dag_id> <task_id> <run_id>` */
export async function printTaskLog(dagId: string, taskId: string, runId: string, options: TaskLogOptions): Promise<undefined> {
  checkOptions(options);
  const [dag, task, run] = [dagId, taskId, runId].map(encodeURIComponent);
  const instancePath = `/dags/${dag}/dagRuns/${run}/taskInstances/${task}`;
  await withSessionOfDag(options.folder, dagId, async (session) => {
    const tryNumber = options.try ?? (await readLastTry(session, { path: instancePath, taskId, options }));
    const log = { session, path: `/api/v2/tradewind${instancePath}/logs/${tryNumber}`, options };
    const parts = chooseParts(log);
    if (options.output === 'table' || options.output === 'plain') {
      for await (const lines of parts) process.stdout.write(lines.map((line) => `${formatLine(line, options)}\n`).join(''));
      return;
    }
    await printRows((await Array.fromAsync(parts)).flat(), { format: options.output, columns: [] });
  });
}

function checkOptions({ follow, from, to, tail, grep, level, output }: TaskLogOptions): void {
  const clash = (problem: string): never => {
    throw new TradewindError('usage', problem);
  };
  if (tail !== undefined && (from !== undefined || to !== undefined)) clash('--tail asks for the last lines: leave out --from and --to');
  if (tail !== undefined && (grep !== undefined || level !== undefined)) clash('--tail does not go with --grep and --level: leave it out');
  if (follow === true && to !== undefined) clash('--follow goes on to the end of the try: leave out --to');
  if (follow === true && (output === 'json' || output === 'yaml')) clash('--follow prints lines as they come: take -o table or -o plain');
}

/** Numbers are shown where lines were chosen: they are what the next --from takes. */
function formatLine({ line, record }: LogLine, { output, from, to, tail, grep, level }: TaskLogOptions): string {
  if (output === 'plain') return record.event;
  const isChosen = [from, to, tail, grep, level].some((option) => option !== undefined);
  return isChosen ? `${String(line).padStart(6)} ${formatLogRecord(record)}` : formatLogRecord(record);
}

/** The last try that began; with `--follow` the first one is waited for. */
async function readLastTry(
  session: EnvironmentSession,
  { path, taskId, options }: { readonly path: string; readonly taskId: string; readonly options: TaskLogOptions },
): Promise<number> {
  const place = options.mapIndex === undefined ? '' : `/${options.mapIndex}`;
  for (;;) {
    const instance = (await session.ask({ method: 'GET', path: `/api/v2${path}${place}` })) as {
      readonly try_number: number;
      readonly state: string | null;
    };
    if (instance.try_number > 0) return instance.try_number;
    if (options.follow !== true || session.address === undefined || isOver(instance.state)) {
      throw new TradewindError('not_found', `the task "${taskId}" has no log yet: it was not started (state ${instance.state ?? 'none'})`);
    }
    await sleep(clock, POLL_MS);
  }
}

function isOver(state: string | null): boolean {
  return state === 'skipped' || state === 'upstream_failed' || state === 'removed' || state === 'success' || state === 'failed';
}

function chooseParts(log: AskedLog): AsyncGenerator<readonly LogLine[]> {
  if (log.options.follow === true) return followLines(log);
  return log.options.grep === undefined && log.options.level === undefined ? readLines(log) : searchLines(log);
}

async function* readLines(log: AskedLog): AsyncGenerator<readonly LogLine[]> {
  const { from, to, tail } = log.options;
  for (let next: number | null | undefined = from, isFirst = true; ; isFirst = false) {
    const part: LogPart = await askPart(log, 'lines', isFirst && tail !== undefined ? { tail } : { from: next, to });
    if (part.lines.length === 0) return;
    yield part.lines;
    next = part.next_line;
  }
}

async function* searchLines(log: AskedLog): AsyncGenerator<readonly LogLine[]> {
  const { from = 1, to = Number.POSITIVE_INFINITY, grep, level } = log.options;
  for (let next: number | null = from; next !== null && next <= to;) {
    const part: LogPart = await askPart(log, 'search', { from: next, text: grep, level, limit: 1_000 });
    yield part.lines.filter(({ line }) => line <= to);
    next = part.next_line;
  }
}

/** Goes on until the try has ended and all of its log was read. An environment that does not run writes nothing more. */
async function* followLines(log: AskedLog): AsyncGenerator<readonly LogLine[]> {
  const { from, tail, grep, level } = log.options;
  let next = from;
  let wasComplete = log.session.address === undefined;
  for (let isFirst = true; ; isFirst = false) {
    const part: LogPart = await askPart(log, 'lines', isFirst && tail !== undefined ? { tail } : { from: next });
    next = part.next_line ?? next;
    yield part.lines.filter((line) => isWanted(line, { leastLevel: level }) && (grep === undefined || hasText(line.record, grep)));
    if (part.lines.length > 0) continue;
    // What was written last may reach the file just after the end is known, so it is looked at once more.
    if (wasComplete) return;
    wasComplete = part.is_complete;
    await sleep(clock, POLL_MS);
  }
}

async function askPart(
  { session, path, options }: AskedLog,
  what: 'lines' | 'search',
  query: Readonly<Record<string, string | number | null | undefined>>,
): Promise<LogPart> {
  const given = Object.entries({ ...query, map_index: options.mapIndex }).flatMap(([name, value]) =>
    value == null ? [] : [[name, String(value)]],
  );
  return (await session.ask({ method: 'GET', path: `${path}/${what}?${new URLSearchParams(given).toString()}` })) as LogPart;
}
