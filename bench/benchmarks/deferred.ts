import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../packages/core/src/platform/clock.ts';
import type { Executor } from '../../packages/core/src/platform/executor.ts';
import { createLog } from '../../packages/core/src/platform/log.ts';
import { systemRandom } from '../../packages/core/src/platform/random.ts';
import { startScheduler, type Scheduler } from '../../packages/core/src/scheduler/scheduler.ts';
import type { Database, Statement } from '../../packages/core/src/store/database.ts';
import { migrate } from '../../packages/core/src/store/migrate.ts';
import { startPostgres } from '../../packages/core/src/store/testing/postgres-server.ts';
import type { BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, type Figures } from '../figures.ts';
import { change, openBenchDatabase, pad, PER_RUN, RUNS } from '../seed-deferred.ts';

/** Of these runs everything is due at the same moment. */
const EXPIRING_RUNS = 10;
/** Between the moment at which everything waits and the one at which some of it is due. */
const SETTLE_MS = 5_000;
const PATIENCE_MS = 300_000;

/** The statements with which a task instance goes on. */
const GOING_ON = new Set(['schedule_task_instances', 'schedule_and_queue_task_instances']);

const log = createLog({ level: 'error', format: 'text', write: (line) => process.stderr.write(line), now: () => Date.now() });

/**
 * 100,000 task instances that wait for a moment each, in one scheduler: what each costs of the process's memory, what their waiting costs of a processor, and how late those are that are due together. Late is
 * the time from the moment to the commit with which the task instance goes on.
 */
export async function deferred(database: BenchDatabase): Promise<Figures> {
  const store = await openStore(database);
  const commits = observeCommits(store.database);
  try {
    await migrate(commits.database, Date.now());
    await store.seed();
    const before = await settledMemory();
    const startedAt = Date.now();
    const scheduler = await start(commits.database);
    await until(async () => (await countHeld(store.database)) === RUNS, 'the runs were not taken');
    const takenMs = Date.now() - startedAt;
    await sleep(SETTLE_MS);
    const after = await settledMemory();
    const idle = await idlePercent();
    await scheduler.stop();
    const late = await expire(commits, store.database);
    const { p50Ms, p95Ms, p99Ms } = percentiles(late);
    return {
      waiting: RUNS * PER_RUN,
      bytesEach: Math.round((after.rss - before.rss) / (RUNS * PER_RUN)),
      heapBytesEach: Math.round((after.heap - before.heap) / (RUNS * PER_RUN)),
      takenMs,
      idleCpuPercent: idle,
      expiring: late.length,
      latenessP50Ms: p50Ms,
      latenessP95Ms: p95Ms,
      latenessP99Ms: p99Ms,
    };
  } finally {
    await store.close();
  }
}

/** Has ten runs expire together under a scheduler that holds all of them, and returns how late each task instance went on. */
async function expire(commits: ObservedCommits, database: Database): Promise<number[]> {
  const expireAt = Date.now() + 4 * SETTLE_MS;
  const trigger = JSON.stringify({ trigger: { kind: 'timer', at: expireAt }, stateJson: 'null' });
  await database.batch([change(`update task_instance set deferral = '${trigger}' where dag_run_id < 'run_${pad(EXPIRING_RUNS)}'`)]);
  const scheduler = await start(commits.database);
  await until(async () => (await countHeld(database)) === RUNS, 'the runs were not taken again');
  await until(() => Promise.resolve(commits.scheduled.length >= EXPIRING_RUNS * PER_RUN), 'what was due did not go on');
  await scheduler.stop();
  return commits.scheduled.map((at) => at - expireAt);
}

interface ObservedCommits {
  readonly database: Database;
  /** When each task instance went on, in milliseconds since the epoch. */
  readonly scheduled: number[];
}

function observeCommits(database: Database): ObservedCommits {
  const scheduled: number[] = [];
  const batch: Database['batch'] = async (statements) => {
    const rows = await database.batch(statements);
    const committedAt = performance.timeOrigin + performance.now();
    for (const [place, { name }] of statements.entries()) {
      if (GOING_ON.has(name)) for (const _ of rows[place] ?? []) scheduled.push(committedAt);
    }
    return rows;
  };
  return { database: { ...database, batch }, scheduled };
}

function start(database: Database): Promise<Scheduler> {
  return startScheduler({
    database,
    clock: systemClock,
    random: systemRandom(() => Date.now()),
    log,
    executor: holdingExecutor(),
    observe: () => undefined,
    environmentName: 'bench',
    hostname: 'bench',
    pid: process.pid,
    locateCode: (file, bundleVersion) => ({ bundleFolder: '/', file, bundleVersion, manifestFile: '/' }),
    onOutgoing: () => undefined,
    isAlone: true,
  });
}

/** Takes as many attempts as a real one, and keeps them: what they would do is not measured here. */
function holdingExecutor(): Executor {
  const held = new Set<string>();
  return {
    name: 'holding',
    parallelism: 32,
    dispatch: ({ attempt }) => held.add(attempt.taskInstanceId),
    holds: ({ taskInstanceId }) => held.has(taskInstanceId),
    cancel: () => undefined,
    stop: () => Promise.resolve(),
  };
}

async function countHeld(database: Database): Promise<number> {
  const statement: Statement<{ count: number }> = {
    name: 'bench_count_held',
    text: () => `
      select count(*) as count from dag_run
      where state = 'running' and exists (select 1 from job where job.id = dag_run.scheduler_term and job.ended_at is null)`,
    values: [],
  };
  return (await database.batch([statement]))[0][0]?.count ?? 0;
}

/** Memory after everything that can be collected was. */
async function settledMemory(): Promise<{ readonly rss: number; readonly heap: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: {
    readonly type: 'major';
    readonly execution: 'sync';
    readonly flavor: 'last-resort';
  }) => void;
  for (let round = 0; round < 5; round += 1) {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await sleep(100);
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

async function idlePercent(): Promise<number> {
  const before = process.cpuUsage();
  await sleep(SETTLE_MS);
  const { user, system } = process.cpuUsage(before);
  return round(((user + system) / 1_000 / SETTLE_MS) * 100);
}

interface BenchStore {
  readonly database: Database;
  /** Fills the tables from another process, so that this one's memory holds nothing of it. */
  seed(): Promise<void>;
  close(): Promise<void>;
}

async function openStore(database: BenchDatabase): Promise<BenchStore> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-bench-'));
  const server = database === 'postgres' ? await startPostgres({ folder }) : undefined;
  const place = server?.url ?? path.join(folder, 'deferred.sqlite');
  const opened = openBenchDatabase(place);
  return {
    database: opened,
    async seed() {
      await promisify(execFile)(process.execPath, [path.resolve(import.meta.dirname, '../seed-deferred.ts'), place]);
    },
    async close() {
      await opened.close();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function until(condition: () => Promise<boolean>, problem: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${problem} within ${PATIENCE_MS / 1_000} s`);
    await sleep(20);
  }
}
