/**
 * One run of one dag in this process: the same scheduler and the same executor as in an environment, on a database in memory that is gone afterwards.
 * Nothing leaves: there is no broker, and events that tasks emit for others are dropped with the database.
 */
import { hostname } from 'node:os';
import type { JsonObject, LogRecord, SerializedDag } from '@tradewind/protocol';
import { LocalExecutor } from '../../executors/local/local-executor.ts';
import type { Activity } from '../../platform/activity.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import { startScheduler } from '../../scheduler/scheduler.ts';
import { createDagFileSink } from '../../store/dag-file-sink.ts';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { findDag as findStoredDag } from '../../store/reads/dags.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { createDagRun } from '../../store/transitions/create-dag-run.ts';
import { openSecrets } from '../task-services/environment-secrets.ts';
import { composeTaskServices } from '../task-services/index.ts';
import type { FoundDag } from './find-dag.ts';
import { followTaskLogs } from './follow-task-logs.ts';

/** A dag to be run, and who is told what. */
export interface DagTest {
  /** Its state folder is a temporary one. */
  readonly config: EnvironmentConfig;
  readonly dag: FoundDag;
  /** Fits the dag's params. */
  readonly conf: JsonObject;
  readonly onLog: (taskId: string, record: LogRecord) => void;
  readonly onTaskEnd: (activity: Activity & { type: 'task_instance' }) => void;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** How the run ended; `interrupted` where the signal ended it. */
export type DagTestEnd = 'success' | 'failed' | 'interrupted';

const random = systemRandom(() => clock.now());

/** Runs the dag to its end. What its tasks print is told as it comes, and all of it before this resolves. */
export async function runDagTest(test: DagTest): Promise<DagTestEnd> {
  const database = openSqlite({ file: ':memory:', now: () => clock.now() });
  try {
    await migrate(database, clock.now());
    const runId = await queueRun(database, test);
    return await runToEnd(database, runId, test);
  } finally {
    await database.close();
  }
}

async function queueRun(database: Database, { dag: { dag, code }, conf }: DagTest): Promise<string> {
  const now = clock.now();
  await createDagFileSink({ database, clock, random }).saveParsedFile({
    file: code.file,
    contentHash: '',
    dependencies: {},
    version: code,
    dags: [{ dag: asTested(dag), serializedHash: '' }],
    warnings: [],
    parseMs: 0,
  });
  const stored = await findStoredDag(database, dag.dagId);
  const runId = `test__${new Date(now).toISOString().replace('Z', '+00:00')}`;
  const { outcome } = await createDagRun(
    database,
    {
      id: random.uuid(),
      dagId: dag.dagId,
      runId,
      triggeredBy: 'test',
      triggeringUser: null,
      conf: JSON.stringify(conf),
      note: null,
      logicalAt: null,
      intervalStartAt: null,
      intervalEndAt: null,
      runAfterAt: now,
      dagVersionId: stored?.dagVersionId ?? '',
    },
    now,
  );
  if (outcome === 'created') return runId;
  throw new TradewindError('internal', `the run of dag "${dag.dagId}" could not be made in the database of the test: ${outcome}`);
}

/** Nothing but the one run starts, and it does not wait: neither paused, nor between two tries. */
function asTested(dag: SerializedDag): SerializedDag {
  const { startDate: _start, endDate: _end, ...rest } = dag;
  return {
    ...rest,
    schedule: { kind: 'none' },
    isPausedUponCreation: false,
    tasks: dag.tasks.map((task) => ({ ...task, retryDelayMs: 0 })),
  };
}

async function runToEnd(database: Database, runId: string, test: DagTest): Promise<DagTestEnd> {
  const { config, dag, signal } = test;
  const ended = Promise.withResolvers<DagTestEnd>();
  signal.addEventListener('abort', () => ended.resolve('interrupted'), { once: true });
  // Its database is empty: variables and connections come from files and from the environment.
  const secrets = await openSecrets(config, { database, clock, log: silentLog });
  const logs = followTaskLogs({ logsFolder: config.logsFolder, dagId: dag.dag.dagId, runId, onRecord: test.onLog });
  const executor = new LocalExecutor({
    writesQuietLogs: true,
    clock,
    log: silentLog,
    onReport: (report) => scheduler.report(report),
    stateFolder: config.stateFolder,
    logsFolder: config.logsFolder,
    workingFolder: config.folder,
    parallelism: config.executor.parallelism,
    maxHeapMegabytes: config.executor.taskHeapMb,
    services: composeTaskServices({ config, database, clock, random, log: silentLog, secrets, wake: () => scheduler.wake('runs') }),
    secrets,
  });
  const observe = (activity: Activity): void => {
    if (activity.type === 'dag_run' && (activity.state === 'success' || activity.state === 'failed')) ended.resolve(activity.state);
    if (activity.type !== 'task_instance') return;
    if (activity.state === 'running') logs.follow(activity.taskId, activity.tryNumber);
    else void logs.whenComplete(activity.taskId, activity.tryNumber).then(() => test.onTaskEnd(activity));
  };
  const scheduler = await startScheduler({
    database,
    clock,
    random,
    log: silentLog,
    executor,
    observe,
    environmentName: config.name,
    hostname: hostname(),
    pid: process.pid,
    locateCode: () => dag.code,
    onOutgoing: () => {},
    isAlone: true,
  });
  const end = await ended.promise;
  await scheduler.stop();
  await executor.stop();
  await logs.end();
  return end;
}
