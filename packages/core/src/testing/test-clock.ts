import { durationMs, type Duration } from '@tradewind/protocol';
import { SdkError } from '@tradewind/sdk';
import { messageOf, TradewindError } from '../platform/errors.ts';
import type { AuthorCode } from './author-code.ts';
import type { InProcessExecutor } from './in-process-executor.ts';
import { badEnvironment } from './store-dags.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The clock of a test environment: it moves when it is told to, and everything that is due on the way happens. */
export interface TestClock {
  now(): Temporal.Instant;
  /**
   * Lets time pass: every schedule, retry, timer, sensor and deadline up to and including that moment takes place, in its order.
   * @throws SdkError `bad_test_run` for what is no duration, and where the code of a task calls it
   */
  advance(duration: Duration): Promise<void>;
  /** Lets time pass up to a moment, such as `'2026-03-29T02:00Z'`, which must not be in the past. */
  advanceTo(instant: string | Temporal.Instant): Promise<void>;
  /** Called in a task, or in what stands in for one: lets it take so long. Rejects where the try is ended early. */
  sleep(duration: Duration): Promise<void>;
}

/** What drives a test environment. */
export interface Drive {
  readonly clock: TestClock;
  /** Does something to the environment from outside of it, and lets everything happen that follows in the same moment. */
  act<Result>(what: string, action: () => Promise<Result>): Promise<Result>;
}

/** What ends a test, although no call of it was at fault. */
export interface TestProblems {
  /** Keeps the first. */
  add(problem: unknown): void;
  /** Throws it: what the test left out as it is, and anything else as `internal`. */
  throwFirst(): void;
}

/** Nothing has gone wrong yet. */
export function createTestProblems(): TestProblems {
  let first: { readonly cause: unknown } | undefined;
  return {
    add(cause) {
      first ??= { cause };
    },
    throwFirst() {
      if (first === undefined) return;
      const { cause } = first;
      if (cause instanceof SdkError) throw cause;
      throw new TradewindError('internal', `the test environment cannot go on: ${messageOf(cause)}`, { cause });
    },
  };
}

/** What is driven. */
export interface DrivenParts {
  readonly time: VirtualTime;
  readonly code: AuthorCode;
  readonly executor: Pick<InProcessExecutor, 'reportStarted'>;
  readonly problems: TestProblems;
  /** Called once, before anything is done to the environment. */
  readonly begin: () => Promise<void>;
}

/** An environment that goes on for so many steps without time passing does so for ever. */
const MOST_STEPS_OF_A_MOMENT = 100_000;

/** Makes the clock of a test environment, and what moves it. */
export function createDrive({ time, code, executor, problems, begin }: DrivenParts): Drive {
  let isBusy = false;
  let begun: Promise<void> | undefined;
  const runUntil = async (end: number): Promise<void> => {
    for (let steps = 0; ;) {
      const hasHandedOver = await code.settle();
      problems.throwFirst();
      if (hasHandedOver || executor.reportStarted()) continue;
      const at = time.nextAt();
      if (at === undefined || at > end) break;
      steps = at > time.now() ? 0 : steps + 1;
      if (steps > MOST_STEPS_OF_A_MOMENT) throw new TradewindError('internal', `the test environment does not get past ${textOf(at)}`);
      time.moveTo(at);
    }
    time.moveTo(end);
  };
  const act = async <Result>(what: string, action: () => Promise<Result>): Promise<Result> => {
    if (code.isInside) throw badEnvironment(`${what} was called by the code of a task or a callback; call it in the test`);
    if (isBusy) throw badEnvironment(`${what} was called before the call before it had ended; await each call`);
    isBusy = true;
    try {
      await (begun ??= begin());
      return await action();
    } finally {
      isBusy = false;
    }
  };
  const advanceTo = async (end: number): Promise<void> => {
    if (end < time.now())
      throw badEnvironment(`clock.advanceTo() was given ${textOf(end)}, and it is ${textOf(time.now())} already; time does not run back`);
    await act('clock.advance()', () => runUntil(end));
  };

  return {
    clock: {
      now: () => Temporal.Instant.fromEpochMilliseconds(time.now()),
      advance: async (duration) => advanceTo(time.now() + readMs('clock.advance()', duration)),
      advanceTo: async (instant) => advanceTo(readInstant('clock.advanceTo()', instant)),
      sleep: async (duration) => code.sleep(readMs('clock.sleep()', duration)),
    },
    act: (what, action) =>
      act(what, async () => {
        const result = await action();
        await runUntil(time.now());
        return result;
      }),
  };
}

/** Epoch milliseconds of a moment that a test names. Throws an `SdkError` (`bad_test_run`) naming where. */
export function readInstant(where: string, instant: string | Temporal.Instant): number {
  try {
    return Temporal.Instant.from(instant).epochMilliseconds;
  } catch {
    throw badEnvironment(
      `${where} is ${JSON.stringify(instant)}, which is no instant; give one with an offset, such as '2026-01-01T00:00Z'`,
    );
  }
}

function readMs(where: string, duration: unknown): number {
  const isNamed = typeof duration === 'object' && duration !== null && Object.keys(duration).length > 0;
  const ms = isNamed ? durationMs(duration) : undefined;
  if (ms !== undefined) return ms;
  throw badEnvironment(
    `${where} was given ${JSON.stringify(duration)}; name milliseconds, seconds, minutes, hours or days, such as { days: 365 }, at most a hundred years`,
  );
}

function textOf(at: number): string {
  return new Date(at).toISOString();
}
