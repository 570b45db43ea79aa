/**
 * An environment in the process of a test: the real scheduler on a real database in memory, with a clock that stands still. Author code runs in this process, so that it may be looked into
 * (adr/0026).
 */
import type { CodeLocation, JsonValue } from '@tradewind/protocol';
import type { Asset, Dag } from '@tradewind/sdk';
import type { FakeConnection, FakeTrigger } from '@tradewind/sdk/testing';
import { triggerDagRun, type TriggerParts } from '../api/trigger-dag-run.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import { TradewindError } from '../platform/errors.ts';
import type { Executor } from '../platform/executor.ts';
import { startScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import { migrate } from '../store/migrate.ts';
import { changePool, createPool } from '../store/transitions/pools.ts';
import { composeAuthorSide, startTimetables, type AuthorSide } from './author-side.ts';
import { AuthorCode } from './author-code.ts';
import { emitEvent } from './emit-event.ts';
import { createInProcessExecutor, IN_PROCESS_HOST } from './in-process-executor.ts';
import { startInProcessTriggerer } from './in-process-triggerer.ts';
import { readMissedDeadlines, readRuns, type MissedDeadline, type TestedRun } from './read-runs.ts';
import { openTestDatabase } from './open-database.ts';
import { badEnvironment, storeDags, TEST_BUNDLE_VERSION, type FakesOfDags } from './store-dags.ts';
import { composeTaskAnswers } from './task-answers.ts';
import { createDrive, createTestProblems, readInstant, type TestClock } from './test-clock.ts';
import { createTestLog, type LoggedEntry, type TestLog } from './test-log.ts';
import { createVirtualTime } from './virtual-time.ts';

/** What a test environment is made of. */
export interface TestEnvironmentOptions {
  /** When it starts: an instant, or text with an offset such as `'2026-01-01T00:00Z'`. */
  readonly now: string | Temporal.Instant;
  /** The dags that it has. All of them are on, also those that are paused upon creation. */
  readonly dags: readonly Dag[];
  /** By dag id and task id: the value to pass on, or a function that is called in place of the task's. @default {} */
  readonly fakes?: FakesOfDags;
  /** What triggers that tasks wait for come to, by the trigger's name: the event, or a function of the trigger's arguments; one that throws has failed. @default {} */
  readonly triggers?: Readonly<Record<string, FakeTrigger>>;
  /** What `context.variable` reads, by key; a value that is no text is JSON. @default {} */
  readonly variables?: Readonly<Record<string, JsonValue>>;
  /** What `context.connection` reads, by id. @default {} */
  readonly connections?: Readonly<Record<string, FakeConnection>>;
  /** Slots by pool; -1 for no limit. @default { default_pool: 128 } */
  readonly pools?: Readonly<Record<string, number>>;
  /** Most tries that run at the same time. @default 32 */
  readonly parallelism?: number;
  /** Where chance comes from: the same seed, the same ids. @default 1 */
  readonly seed?: number;
}

/** How a run is asked for. */
export interface TestTrigger<Params> {
  /** Checked against their schemas; what is left out has its default. @default {} */
  readonly params?: Partial<Params>;
  /** @default none */
  readonly logicalDate?: string | Temporal.Instant;
  /** @default made of the moment */
  readonly runId?: string;
}

/** An environment in the process of a test. */
export interface TestEnvironment extends AsyncDisposable {
  readonly clock: TestClock;
  /** What the code of tasks and callbacks has logged, and what the environment warned of, oldest first. */
  readonly log: readonly LoggedEntry[];
  /** The runs of a dag as they stand, the earliest due first. */
  runs(dag: string | Dag): Promise<readonly TestedRun[]>;
  /** Asks for a run and lets happen what needs no time. Returns the run id. */
  trigger<Params>(dag: Dag<Params>, options?: TestTrigger<NoInfer<Params>>): Promise<string>;
  /** Lets an event of an asset happen, as if another environment had sent it, and all that needs no time. */
  emit<Extra>(asset: Asset<Extra>, extra: NoInfer<Extra>): Promise<void>;
  /** The deadlines that were missed until now, in the order in which they were due. */
  missedDeadlines(): Promise<readonly MissedDeadline[]>;
  /** Ends it: what runs is aborted, and nothing is left behind. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_PARALLELISM = 32;
/** Longer than any test: nobody else could take over, and there is nothing to recover from. */
const FOREVER_MS = 100 * 366 * 86_400_000;

/**
 * Starts an environment whose time the test moves: schedules, retries, sensors, timers and deadlines of years take place in the blink of an eye, by the rules of the real scheduler. Author code runs in
 * this process and takes no virtual time unless it calls `clock.sleep`. Nothing runs before the first `advance`, `trigger` or `emit`. Needs no server and no files. The same test has the same result.
 *
 * Rejects with an `SdkError` (`bad_test_run`) where the options do not fit the dags.
 *
 * @example
 * await using env = await testEnvironment({ now: '2026-01-01T00:00Z', dags: [orders], fakes: { orders: { extract: [1, 2] } } });
 * await env.clock.advance({ days: 365 });
 * const runs = await env.runs(orders);
 * expect(runs.filter(({ state }) => state === 'success')).toHaveLength(365);
 * expect(await env.missedDeadlines()).toEqual([]);
 */
export async function testEnvironment(options: TestEnvironmentOptions): Promise<TestEnvironment> {
  const time = createVirtualTime(readInstant('now', options.now));
  const database = openTestDatabase(() => time.now());
  try {
    await migrate(database, time.now());
    const random = createSeededRandom(options.seed ?? 1);
    await storeDags({ database, clock: time, random }, options.dags, options.fakes ?? {});
    for (const [name, slots] of Object.entries(options.pools ?? {})) await setPool({ name, slots, database });
    return compose(options, { database, clock: time, random, time });
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Ground extends Pick<TriggerParts, 'database' | 'clock' | 'random'> {
  readonly time: ReturnType<typeof createVirtualTime>;
}

/** Composes it; the scheduler starts with the first thing that is done to it, so that no code runs before the test has its environment. */
function compose(options: TestEnvironmentOptions, { time, ...ground }: Ground): TestEnvironment {
  const { database, clock } = ground;
  const code = new AuthorCode(clock);
  const problems = createTestProblems();
  const onProblem = (problem: unknown): void => problems.add(problem);
  const log = createTestLog(clock, onProblem);
  const started: Started[] = [];
  const parts = { ...ground, wake: () => started[0]?.scheduler.wake('runs') };
  const author = composeAuthorSide({ ...options, code, log, clock, answers: composeTaskAnswers(parts), onProblem });
  const executor = createInProcessExecutor({
    clock,
    code,
    parallelism: options.parallelism ?? DEFAULT_PARALLELISM,
    run: author.run,
    onReport(report) {
      started[0]?.scheduler.report(report);
      // A start waits for company: here the test may look at once.
      if (report.type === 'started') parts.wake();
    },
  });
  const begin = async (): Promise<void> => {
    started.push(await startParts(options.dags, { ...parts, author, code, executor, log, onProblem }));
  };
  const drive = createDrive({ time, code, executor, problems, begin });
  const close = once(async () => {
    await executor.stop();
    for (const { timetables, scheduler } of started) await Promise.all([timetables.stop(), scheduler.stop()]);
    await database.close();
  });
  return {
    clock: drive.clock,
    log: log.entries,
    runs: async (dag) => readRuns(database, knownDag(options.dags, dag)),
    trigger: async (dag, wish = {}) => drive.act('trigger()', () => ask(parts, knownDag(options.dags, dag), wish)),
    emit: async (asset, extra) => drive.act('emit()', () => emitEvent(parts, { asset, extra })),
    missedDeadlines: () => readMissedDeadlines(database),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Started {
  readonly scheduler: Scheduler;
  readonly timetables: ReturnType<typeof startTimetables>;
}

interface PartsToStart extends TriggerParts {
  readonly author: AuthorSide;
  readonly code: AuthorCode;
  readonly executor: Executor;
  readonly log: TestLog;
  readonly onProblem: (problem: unknown) => void;
}

/** Starts the scheduler and what waits for its commits. */
async function startParts(dags: readonly Dag[], { author, code, executor, log, onProblem, ...parts }: PartsToStart): Promise<Started> {
  const shared = { ...parts, onProblem };
  const wakeTriggerer = await startInProcessTriggerer({ ...shared, ...author, code, leaseMs: FOREVER_MS, locateCode, onFired: parts.wake });
  const wakeUps: { timetables?: (dagId: string) => void } = {};
  const scheduler = await startScheduler({
    ...parts,
    ...IN_PROCESS_HOST,
    log: log.ofEnvironment.named('scheduler'),
    executor,
    observe(activity) {
      if (activity.type === 'dag_run') wakeUps.timetables?.(activity.dagId);
    },
    environmentName: 'test',
    locateCode,
    onOutgoing: () => {},
    onWaiting: wakeTriggerer,
    isAlone: true,
    leaseMs: FOREVER_MS,
    recoveryIntervalMs: FOREVER_MS,
  });
  const timetables = startTimetables(dags, {
    ...shared,
    log: log.ofEnvironment.named('timetables'),
    onStocked: () => scheduler.wake('dags'),
  });
  wakeUps.timetables = (dagId) => timetables.wake(dagId);
  return { scheduler, timetables };
}

async function ask(parts: TriggerParts, dagId: string, { params = {}, logicalDate, runId }: TestTrigger<unknown>): Promise<string> {
  try {
    return await triggerDagRun(parts, {
      dagId,
      runId,
      conf: params,
      note: null,
      logicalAt: logicalDate === undefined ? null : readInstant('logicalDate', logicalDate),
      triggeredBy: 'test',
      username: null,
    });
  } catch (error) {
    if (error instanceof TradewindError) throw badEnvironment(error.message);
    throw error;
  }
}

async function setPool({ name, slots, database }: { name: string; slots: number } & Pick<TriggerParts, 'database'>): Promise<void> {
  if (!Number.isInteger(slots) || slots < -1)
    throw badEnvironment(`pool "${name}" has ${slots} slots; give a whole number, or -1 for no limit`);
  const created = await createPool(database, { name, slots, description: '', includeDeferred: false });
  if (created === 'already_exists') await changePool(database, name, { slots });
}

function knownDag(dags: readonly Dag[], wanted: string | Dag): string {
  const dagId = typeof wanted === 'string' ? wanted : wanted.dagId;
  if (dags.some((dag) => dag.dagId === dagId)) return dagId;
  throw badEnvironment(`there is no dag "${dagId}"; its dags are ${dags.map((dag) => dag.dagId).join(', ')}`);
}

/** Nobody looks there: the code is in this process already. */
function locateCode(file: string): CodeLocation {
  return { bundleFolder: '/', file, bundleVersion: TEST_BUNDLE_VERSION, manifestFile: '/' };
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}
