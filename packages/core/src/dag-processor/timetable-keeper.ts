/**
 * Keeps the runs that the code of timetables names some way ahead of the clock, so that the scheduler never waits for that code.
 *
 * States: asking (one dag after the other, each in a process of its own) ⇄ waiting, until `stop`. It asks again when the code may have changed, when less than half of what
 * was named is left, and some time after the code has failed. Nothing that happens in here ends the loop.
 */
import { decodeJson, type CodeLocation, type SerializedDag, type TimetableAnswer, type TimetableQuestion } from '@tradewind/protocol';
import type { NextRun } from '../model/timetables/next-run.ts';
import { sleep, type Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import { selectStockedDags, stockTimetable, type StockedDag } from '../store/transitions/stock-timetable.ts';
import type { FailedReply } from './parse-process.ts';

/** What a keeper needs. */
export interface TimetableKeeperParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks the code in a process of its own, as parse-process.ts does. Must not reject. */
  readonly ask: (code: CodeLocation, question: TimetableQuestion, signal: AbortSignal) => Promise<TimetableAnswer | FailedReply>;
  /** Where the code of a dag file is found at a bundle version. */
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  /** Called when a dag's due time was changed. */
  readonly onStocked: () => void;
}

/** A keeper that runs. */
export interface TimetableKeeper {
  /** Says that dags may have changed. */
  wake(): void;
  stop(): Promise<void>;
}

/** How many runs are named in advance. */
const STOCK = 100;
/** With fewer left than this the code is asked again. */
const LOW_STOCK = STOCK / 2;
const INTERVAL_MS = 10_000;
/** Code that failed may have failed for a reason that goes away by itself. */
const RETRY_MS = 300_000;

/** Starts a keeper; its first look comes at once. */
export function startTimetableKeeper(parts: TimetableKeeperParts): TimetableKeeper {
  const { clock, log } = parts;
  const stopping = new AbortController();
  let waiting = new AbortController();
  let isWoken = false;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      isWoken = false;
      const isRefused = await fillStocks(parts, stopping.signal).catch((error: unknown) => {
        log.error('the timetables of dags could not be asked; it is tried again', { reason: messageOf(error) });
        return false;
      });
      waiting = new AbortController();
      if (!isWoken && !isRefused) await sleep(clock, INTERVAL_MS, AbortSignal.any([waiting.signal, stopping.signal]));
    }
  };
  const ended = run();
  return {
    wake() {
      isWoken = true;
      waiting.abort();
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

/** Asks every timetable whose answers run out, or may not hold any more; tells whether some dag changed meanwhile, so that its answer was refused. */
async function fillStocks(parts: TimetableKeeperParts, signal: AbortSignal): Promise<boolean> {
  const [dags] = await parts.database.batch([selectStockedDags()]);
  let isRefused = false;
  for (const dag of dags) {
    if (signal.aborted) break;
    if (needsAsking(dag, parts.clock.now()) && !(await fillStock(parts, dag, signal))) isRefused = true;
  }
  return isRefused;
}

function needsAsking(dag: StockedDag, now: number): boolean {
  if (dag.runs === null || dag.stockedVersion !== dag.bundleVersion) return true;
  if (dag.problem !== null) return now - (dag.evaluatedAt ?? 0) >= RETRY_MS;
  if (dag.isExhausted === 1) return false;
  const runs = decodeJson(dag.runs) as unknown as readonly NextRun[];
  const left = runs.filter(({ runAfterAt }) => runAfterAt > (dag.lastRunAfterAt ?? -Infinity)).length;
  return dag.nextRunAt === null || left < LOW_STOCK;
}

async function fillStock(
  { database, clock, log, ask, locateCode, onStocked }: TimetableKeeperParts,
  dag: StockedDag,
  signal: AbortSignal,
): Promise<boolean> {
  const { dagId, bundleVersion } = dag;
  const answer = await ask(locateCode(dag.file, bundleVersion), questionOf(dag, clock.now()), signal);
  if (signal.aborted) return true;
  const problem = answer.type === 'failed' ? answer.error.message : null;
  if (problem !== null) log.warning('the timetable of a dag gives no runs', { dagId, problem });
  const stock = {
    dagId,
    bundleVersion,
    runs: answer.type === 'failed' ? [] : answer.runs,
    isExhausted: answer.type !== 'failed' && answer.isExhausted,
    problem,
    expectedNextRunAt: dag.nextRunAt,
  };
  const isStocked = await stockTimetable(database, stock, clock.now());
  if (isStocked) onStocked();
  return isStocked;
}

function questionOf({ dagId, serialized, ...last }: StockedDag, now: number): TimetableQuestion {
  const { startDate, endDate, catchup } = decodeJson(serialized) as unknown as SerializedDag;
  return { dagId, last: lastRunOf(last), now, earliestAt: epochMs(startDate), latestAt: epochMs(endDate), catchup, most: STOCK };
}

function lastRunOf(
  dag: Pick<StockedDag, 'lastLogicalAt' | 'lastRunAfterAt' | 'lastIntervalStartAt' | 'lastIntervalEndAt'>,
): NextRun | null {
  const { lastLogicalAt: logicalAt, lastRunAfterAt: runAfterAt } = dag;
  if (logicalAt === null || runAfterAt === null) return null;
  return {
    logicalAt,
    runAfterAt,
    intervalStartAt: dag.lastIntervalStartAt ?? logicalAt,
    intervalEndAt: dag.lastIntervalEndAt ?? logicalAt,
  };
}

function epochMs(instant: string | undefined): number | null {
  return instant === undefined ? null : Temporal.Instant.from(instant).epochMilliseconds;
}
