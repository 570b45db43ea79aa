import { sleep, type Clock } from '../platform/clock.ts';
import { TradewindError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Database, Statement } from '../store/database.ts';

/** How long a start waits for its database, and who hears of it. */
export interface DatabaseWait {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the waiting at once. */
  readonly signal?: AbortSignal | undefined;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

const QUESTION: Statement<unknown> = { name: 'does_database_answer', text: () => 'select 1 as one', values: [] };

/**
 * Waits until the database answers: a server that starts beside the environment, or comes back after its host, is no reason to fail. What waiting cannot help, such as a wrong password or a
 * database that there is not, fails at once.
 *
 * @throws TradewindError `database_unavailable` where it does not answer in time, or the wait was aborted; whatever else the database says
 */
export async function waitForDatabase(database: Database, { timeoutMs, clock, log, signal }: DatabaseWait): Promise<void> {
  const startedAt = clock.monotonicMs();
  let lastReason: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const problem = await askDatabase(database);
    const waitedMs = Math.round(clock.monotonicMs() - startedAt);
    if (problem === undefined) {
      if (lastReason !== undefined) log.info('the database answers', { afterMs: waitedMs });
      return;
    }
    if (waitedMs >= timeoutMs || signal?.aborted === true) throw problem;
    // Each reason once: there is nothing new in being refused again.
    if (problem.message !== lastReason) log.warning('waiting for the database', { reason: problem.message, longestMs: timeoutMs });
    lastReason = problem.message;
    await sleep(clock, Math.min(pauseMs, timeoutMs - waitedMs), signal);
  }
}

async function askDatabase(database: Database): Promise<TradewindError | undefined> {
  try {
    await database.batch([QUESTION]);
    return undefined;
  } catch (error) {
    if (error instanceof TradewindError && error.code === 'database_unavailable') return error;
    throw error;
  }
}
