import type { Attempt, JsonValue, SerializedDag, TryOutcome, Workload } from '@tradewind/protocol';
import { createVirtualClock, type VirtualClock } from '../../platform/testing/virtual-clock.ts';
import { createSeededRandom } from '../../platform/testing/seeded-random.ts';
import type { Activity } from '../../platform/activity.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Executor } from '../../platform/executor.ts';
import { silentLog } from '../../platform/log.ts';
import { createDagFileSink } from '../../store/dag-file-sink.ts';
import type { Database, Statement } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { createDagRun } from '../../store/transitions/create-dag-run.ts';
import type { SchedulerParts } from '../scheduler-state.ts';
import { startScheduler, type Scheduler } from '../scheduler.ts';

/** A scheduler on a database in memory, with workers that the test plays. */
export interface SchedulerWorld {
  readonly clock: VirtualClock;
  readonly database: Database;
  readonly scheduler: Scheduler;
  readonly activities: readonly Activity[];
  /** Attempts that were handed over and not answered yet, oldest first, by task id. */
  dispatched(): readonly string[];
  workload(taskId: string): Workload;
  trigger(dagId: string, conf?: Readonly<Record<string, JsonValue>>, logicalAt?: number): Promise<void>;
  /** Attempts that were to be stopped, by task id; each is still handed over until the test ends it. */
  cancelled(): readonly string[];
  /** Ends the oldest attempt at the task. */
  end(taskId: string, outcome?: TryOutcome): Promise<void>;
  succeed(taskId: string, value: JsonValue, events?: readonly { readonly assetName: string; readonly extra: JsonValue }[]): Promise<void>;
  rows<Row>(sql: string): Promise<readonly Row[]>;
  /** As `kill -9` and a new start: the workers die too. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export const SUCCESS: TryOutcome = { result: 'success', valueJson: 'null', events: [] };
export const FAILURE: TryOutcome = { result: 'failed', failure: { kind: 'error', message: 'it broke' } };

/** Stores the dags and starts a scheduler on them. */
export async function createSchedulerWorld(
  dags: readonly SerializedDag[],
  parallelism = 32,
  settings: Pick<SchedulerParts, 'largeValues'> = {},
): Promise<SchedulerWorld> {
  const clock = createVirtualClock();
  const random = createSeededRandom(1);
  const database = openSqlite({ file: ':memory:', now: () => clock.now() });
  await migrate(database, clock.now());
  const sink = createDagFileSink({ database, clock, random });
  for (const dag of dags) {
    await sink.saveParsedFile({
      file: `${dag.dagId}.ts`,
      contentHash: dag.dagId,
      dependencies: {},
      version: { bundleVersion: 'bundle' },
      dags: [{ dag, serializedHash: dag.dagId }],
      warnings: [],
      parseMs: 1,
    });
  }
  const activities: Activity[] = [];
  let workers = createPlayedExecutor(parallelism);
  let life = createLife(database, clock);
  const start = (): Promise<Scheduler> =>
    startScheduler({
      database: life.database,
      clock: life.clock,
      random,
      log: silentLog,
      executor: workers.executor,
      observe: (activity) => activities.push(activity),
      environmentName: 'test',
      hostname: 'host',
      pid: 1,
      locateCode: (file, bundleVersion) => ({ bundleFolder: '/dags', file, bundleVersion, manifestFile: '/manifest.json' }),
      onOutgoing: () => {},
      isAlone: true,
      ...settings,
    });
  let scheduler = await start();
  let runs = 0;
  const settle = (): Promise<void> => clock.advance(0);
  const end = async (taskId: string, outcome: TryOutcome = SUCCESS): Promise<void> => {
    const attempt = workers.take(taskId);
    scheduler.report({ type: 'started', attempt, at: clock.now(), pid: 1, hostname: 'host' });
    scheduler.report({ type: 'ended', attempt, at: clock.now(), outcome });
    await settle();
  };
  await settle();
  return {
    clock,
    database,
    get scheduler() {
      return scheduler;
    },
    activities,
    dispatched: () => workers.waiting(),
    workload: (taskId) => workers.workload(taskId),
    cancelled: () => workers.cancelled(),
    async trigger(dagId, conf = {}, logicalAt?: number) {
      runs += 1;
      const [[version]] = await database.batch([
        { name: 'test_version', text: () => 'select dag_version_id as id from dag where dag_id = $1', values: [dagId], row: { id: '' } },
      ]);
      const run = {
        id: `run-${runs}`,
        dagId,
        runId: `run-${runs}`,
        triggeredBy: 'test',
        triggeringUser: null,
        note: null,
        logicalAt: logicalAt ?? null,
      } as const;
      const times = { intervalStartAt: null, intervalEndAt: null, runAfterAt: clock.now() };
      await createDagRun(database, { ...run, ...times, conf: JSON.stringify(conf), dagVersionId: version?.id ?? '' }, clock.now());
      scheduler.wake('runs');
      await settle();
    },
    end,
    succeed: (taskId, value, events = []) =>
      end(taskId, {
        result: 'success',
        valueJson: JSON.stringify(value),
        events: events.map(({ assetName, extra }) => ({ assetName, extraJson: JSON.stringify(extra) })),
      }),
    async rows<Row>(sql: string) {
      const statement: Statement<Row> = { name: sql, text: () => sql, values: [] };
      const [rows] = await database.batch([statement]);
      return rows.map((row) => ({ ...row }));
    },
    async crash() {
      workers.die();
      life.end();
      life = createLife(database, clock);
      workers = createPlayedExecutor(parallelism);
      scheduler = await start();
      await settle();
    },
    async stop() {
      const stopped = scheduler.stop();
      await settle();
      await stopped;
      await database.close();
    },
  };
}

/** What a process sees of the world until it dies: then no answer reaches it and no timer of its fires. */
function createLife(database: Database, clock: Clock): { readonly database: Database; readonly clock: Clock; end(): void } {
  let isOver = false;
  const never = new Promise<never>(() => {});
  return {
    database: { ...database, batch: async (statements) => (isOver ? never : database.batch(statements)) },
    clock: {
      ...clock,
      setTimer: (delayMs, fire) =>
        clock.setTimer(delayMs, () => {
          if (!isOver) fire();
        }),
    },
    end() {
      isOver = true;
    },
  };
}

interface PlayedExecutor {
  readonly executor: Executor;
  waiting(): readonly string[];
  cancelled(): readonly string[];
  workload(taskId: string): Workload;
  take(taskId: string): Attempt;
  die(): void;
}

function createPlayedExecutor(parallelism: number): PlayedExecutor {
  let held: Workload[] = [];
  const cancelled: string[] = [];
  const find = (taskId: string): Workload => {
    const workload = held.find(({ context }) => context.taskId === taskId);
    if (workload === undefined)
      throw new Error(`no attempt at ${taskId} was handed over; there are ${held.map(({ context }) => context.taskId).join(', ')}`);
    return workload;
  };
  const isSame = (a: Attempt, b: Attempt): boolean => a.taskInstanceId === b.taskInstanceId && a.epoch === b.epoch;
  return {
    executor: {
      name: 'played',
      parallelism,
      dispatch: (workload) => held.push(workload),
      holds: (attempt) => held.some((workload) => isSame(workload.attempt, attempt)),
      cancel(attempt) {
        const workload = held.find((other) => isSame(other.attempt, attempt));
        if (workload !== undefined) cancelled.push(workload.context.taskId);
      },
      stop: () => Promise.resolve(),
    },
    waiting: () => held.map(({ context }) => context.taskId),
    cancelled: () => cancelled,
    workload: find,
    take(taskId) {
      const workload = find(taskId);
      held = held.filter((other) => other !== workload);
      return workload.attempt;
    },
    die() {
      held = [];
    },
  };
}
