import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEnvironment, type RunningEnvironment } from '../packages/core/src/cli/environment.ts';
import type { Activity } from '../packages/core/src/platform/activity.ts';
import { loadConfig } from '../packages/core/src/platform/config.ts';
import { createLog } from '../packages/core/src/platform/log.ts';
import { startPostgres, type PostgresServer } from '../packages/core/src/store/testing/postgres-server.ts';
import type { Figures } from './figures.ts';

/** On which database a benchmark runs. */
export type BenchDatabase = 'sqlite' | 'postgres';

/** Runs one benchmark and returns its figures. */
export type Benchmark = (database: BenchDatabase) => Promise<Figures>;

/** What a task returned. */
export interface TaskValue {
  readonly taskId: string;
  readonly value: unknown;
}

/** An environment in this process, in a folder of its own that goes with it. */
export interface BenchEnvironment {
  readonly folder: string;
  /** Where the floor may put its database: the same disk, the same server. */
  readonly postgresUrl: string | undefined;
  request(method: string, url: string, body?: unknown): Promise<unknown>;
  /** Triggers a dag and waits until its run has ended. Returns the run's id. */
  run(dagId: string): Promise<string>;
  /** The value that each task of a run returned. */
  values(dagId: string, runId: string): Promise<readonly TaskValue[]>;
  /** How long each pass of the scheduler that wrote something took, in milliseconds; forgotten by the reading. */
  takeTicks(): readonly number[];
  /** Waits until `count` runs have ended since this was made. */
  runsEnded(count: number): Promise<readonly { readonly runId: string; readonly state: string }[]>;
  /** Stops the environment and starts it again; `meanwhile` is called in between. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

const DAG_PATIENCE_MS = 30_000;
const RUN_PATIENCE_MS = 120_000;

/**
 * Makes a folder with these dag files and starts an environment on it: the same code, database settings and children as `tradewind standalone`.
 * @param settings of `tradewind.json`
 */
export async function startBenchEnvironment(
  database: BenchDatabase,
  files: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<BenchEnvironment> {
  const folder = makeFolder(files);
  const postgres =
    database === 'postgres' ? await startPostgres({ folder: path.join(tmpdir(), `${path.basename(folder)}-postgres`) }) : undefined;
  writeFileSync(path.join(folder, 'tradewind.json'), JSON.stringify({ api: { port: 0 }, ...settings, ...databaseSettings(postgres) }));
  const watch = watchRuns();
  let environment = await startOn(folder, watch, Object.keys(files));
  const request = createRequester(folder);
  return {
    folder,
    postgresUrl: postgres?.url,
    request,
    async run(dagId) {
      const ended = watch.next(1, dagId);
      const { dag_run_id: runId } = (await request('POST', `/api/v2/dags/${dagId}/dagRuns`, { logical_date: null })) as {
        dag_run_id: string;
      };
      const [run] = await within(RUN_PATIENCE_MS, ended, `the run of ${dagId} did not end`);
      if (run?.state !== 'success') throw new Error(`the run of ${dagId} ended in ${run?.state}`);
      return runId;
    },
    values: (dagId, runId) => readValues(request, dagId, runId),
    takeTicks: () => watch.ticks.splice(0),
    runsEnded: (count) => within(RUN_PATIENCE_MS, watch.next(count), `${count} runs did not end`),
    async restart(meanwhile) {
      await environment.stop();
      await meanwhile?.();
      environment = await startOn(folder, watch, []);
    },
    async stop() {
      await environment.stop();
      await postgres?.stop();
      rmSync(folder, { recursive: true, force: true });
      rmSync(`${folder}-postgres`, { recursive: true, force: true });
    },
  };
}

/** Starts the environment and waits until these dag files have been read. */
async function startOn(folder: string, watch: RunWatch, files: readonly string[]): Promise<RunningEnvironment> {
  const known = Promise.withResolvers<void>();
  const wanted = new Set(files);
  if (wanted.size === 0) known.resolve();
  const running = await startEnvironment(loadConfig(folder, {}), {
    observe: (activity) => {
      watch.observe(activity);
    },
    observeTick: ({ durationMs }) => {
      watch.ticks.push(durationMs);
    },
    onDagsChanged: ({ file, error }) => {
      if (error !== undefined) known.reject(new Error(`${file}: ${error.message}`));
      wanted.delete(file);
      if (wanted.size === 0) known.resolve();
    },
    log: createLog({ level: 'error', format: 'text', write: (line) => process.stderr.write(line), now: () => Date.now() }),
  });
  await within(DAG_PATIENCE_MS, known.promise, 'the dag files were not read');
  return running;
}

function createRequester(folder: string): BenchEnvironment['request'] {
  return async (method, url, body) => {
    const { address, token } = JSON.parse(await readFile(path.join(folder, '.tradewind/environment.json'), 'utf8')) as Record<
      string,
      string
    >;
    const response = await fetch(`${address}${url}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

async function readValues(request: BenchEnvironment['request'], dagId: string, runId: string): Promise<readonly TaskValue[]> {
  const run = `/api/v2/dags/${dagId}/dagRuns/${runId}/taskInstances`;
  const { task_instances: instances } = (await request('GET', `${run}?limit=100`)) as { task_instances: { task_id: string }[] };
  return Promise.all(
    instances.map(async ({ task_id: taskId }) => ({
      taskId,
      value: ((await request('GET', `${run}/${taskId}/xcomEntries/return_value`)) as { value: unknown }).value,
    })),
  );
}

/** A folder with dag files, from which `@tradewind/*` can be imported. */
export function makeFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-bench-'));
  mkdirSync(path.join(folder, 'dags'));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(path.resolve(import.meta.dirname, '../node_modules/@tradewind'), path.join(folder, 'node_modules/@tradewind'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, 'dags', name), text);
  return folder;
}

function databaseSettings(postgres: PostgresServer | undefined): Readonly<Record<string, unknown>> {
  return postgres === undefined ? {} : { database: { url: postgres.url } };
}

interface EndedRun {
  readonly runId: string;
  readonly state: string;
}

interface RunWatch {
  readonly ticks: number[];
  observe(activity: Activity): void;
  next(count: number, dagId?: string): Promise<readonly EndedRun[]>;
}

interface RunWaiter {
  readonly count: number;
  /** Only runs of this dag; undefined for those of any. */
  readonly dagId: string | undefined;
  readonly runs: EndedRun[];
  readonly done: (runs: readonly EndedRun[]) => void;
}

/** Collects ended runs for whoever waits for the next few. */
function watchRuns(): RunWatch {
  const waiters = new Set<RunWaiter>();
  return {
    ticks: [],
    observe(activity) {
      if (activity.type !== 'dag_run' || (activity.state !== 'success' && activity.state !== 'failed')) return;
      for (const waiter of waiters) {
        if (waiter.dagId !== undefined && waiter.dagId !== activity.dagId) continue;
        waiter.runs.push({ runId: activity.runId, state: activity.state });
        if (waiter.runs.length < waiter.count) continue;
        waiters.delete(waiter);
        waiter.done(waiter.runs);
      }
    },
    next: (count, dagId) =>
      new Promise((done) => {
        waiters.add({ count, dagId, runs: [], done });
      }),
  };
}

async function within<Result>(patienceMs: number, promise: Promise<Result>, problem: string): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`${problem} within ${patienceMs / 1_000} s`));
  }, patienceMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
