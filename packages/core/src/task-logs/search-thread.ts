/**
 * Searches logs in a thread: a regular expression may take for ever, and neither it nor a hundred megabytes of text may hold up what else the process does.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../platform/clock.ts';
import { messageOf, TradewindError } from '../platform/errors.ts';
import type { LogMatches, LogQuery } from './search-task-log.ts';

/** What the thread is asked. */
export interface SearchRequest {
  readonly file: string;
  readonly query: LogQuery;
  /** After this it answers with what it has found. */
  readonly softLimitMs: number;
}

/** After this a search answers with what it has found, and the caller may go on from there. */
const SOFT_LIMIT_MS = 2_000;
/** A thread that is still busy after this is stuck in the expression. */
const HARD_LIMIT_MS = 10_000;
/** Each takes a core. */
const MAX_SEARCHES = 4;

/** The searches of one process. */
export class LogSearches {
  readonly #clock: Clock;
  #running = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Searches a log.
   * @param query its pattern was checked with `findPatternProblem`
   * @throws TradewindError `rate_limited` while as many searches run as may, `timeout` where the pattern takes for ever on some line
   */
  async search(file: string, query: LogQuery): Promise<LogMatches> {
    if (this.#running >= MAX_SEARCHES) {
      throw new TradewindError('rate_limited', `${MAX_SEARCHES} searches through task logs are under way; try again when one has ended`);
    }
    this.#running += 1;
    try {
      return await this.#inThread({ file, query, softLimitMs: SOFT_LIMIT_MS });
    } finally {
      this.#running -= 1;
    }
  }

  async #inThread(request: SearchRequest): Promise<LogMatches> {
    const thread = new Worker(new URL('search-thread-main.ts', import.meta.url), { workerData: request });
    const { promise, resolve, reject } = Promise.withResolvers<LogMatches>();
    const timer = this.#clock.setTimer(HARD_LIMIT_MS, () => reject(tooSlow(request)));
    thread.once('message', resolve);
    thread.once('error', (error) => {
      reject(new TradewindError('internal', `the log ${request.file} could not be searched: ${messageOf(error)}`, { cause: error }));
    });
    try {
      return await promise;
    } finally {
      timer.cancel();
      await thread.terminate();
    }
  }
}

function tooSlow({ query }: SearchRequest): TradewindError {
  return new TradewindError(
    'timeout',
    `the regular expression ${JSON.stringify(query.pattern ?? '')} did not come to an end on a line of the log within ${HARD_LIMIT_MS / 1_000} s; ` +
      'take a simpler one, without repetitions inside of repetitions',
  );
}
