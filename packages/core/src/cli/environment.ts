/**
 * Composes one environment in this process: the only place that knows every part. Parts hear of each other through the functions handed to them here.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { CodeLocation, SerializedDag } from '@tradewind/protocol';
import { openAuthentication } from '../api/auth/authentication.ts';
import { createServer, listen } from '../api/server.ts';
import type { DagFilesChange } from '../dag-processor/dag-files.ts';
import { DagProcessor } from '../dag-processor/dag-processor.ts';
import { parseDagFile } from '../dag-processor/parse-process.ts';
import { LocalExecutor } from '../executors/local/local-executor.ts';
import { startFederation, type Federation } from '../federation/federation.ts';
import type { AwsOptions } from '../federation/transports/aws-options.ts';
import { createSnsPublisher } from '../federation/transports/sns-publisher.ts';
import { connectSqs } from '../federation/transports/sqs-source.ts';
import { checkParamSchemas } from '../model/params.ts';
import { findScheduleProblem } from '../model/timetables/next-run.ts';
import type { ActivityObserver } from '../platform/activity.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import { endLeftoverChildren } from '../platform/leftover-children.ts';
import type { Log } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import { startScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import { createDagFileSink } from '../store/dag-file-sink.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { announceEnvironment } from './environment-file.ts';
import { keepJob } from './keep-job.ts';
import { openStore } from './open-store.ts';
import { pruneBundles } from './prune-bundles.ts';
import { VERSION } from './version.ts';

/** What whoever starts an environment hears of it. */
export interface EnvironmentOptions {
  readonly observe: ActivityObserver;
  readonly onDagsChanged?: (change: DagFilesChange) => void;
  readonly log: Log;
}

/** An environment that runs in this process. */
export interface RunningEnvironment {
  readonly name: string;
  /** Where its API and pages are: `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Only where the administrator was created by this start. */
  readonly newAdminPassword?: string;
  /** Stops everything, in the order in which work flows, and gives the environment back. Idempotent. */
  stop(): Promise<void>;
}

const clock = systemClock;
const random = systemRandom(() => clock.now());

/** From this port on the first free one is taken where none is configured. */
const FIRST_PORT = 8080;

/**
 * Starts an environment: takes its lock, brings the schema up to date, and starts every part. What was left by an earlier life is picked up.
 *
 * @throws TradewindError `environment_running` where another process has it, `port_taken`, `database_unavailable`, `bad_configuration`, …; whatever
 * was started until then is stopped
 */
export async function startEnvironment(config: EnvironmentConfig, options: EnvironmentOptions): Promise<RunningEnvironment> {
  const opened: (() => Promise<void>)[] = [];
  const stop = once(async () => {
    for (const close of opened.splice(0).toReversed()) await close();
  });
  try {
    return { ...(await compose(config, options, (close) => opened.push(close))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type OnStop = (close: () => Promise<void>) => void;

async function compose(config: EnvironmentConfig, options: EnvironmentOptions, onStop: OnStop): Promise<Omit<RunningEnvironment, 'stop'>> {
  const { log } = options;
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(config, { clock, random, log: log.named('store') });
  onStop(() => store.close());
  const { database } = store;
  await migrate(database, clock.now());
  const ended = await endLeftoverChildren(config.stateFolder);
  if (ended.length > 0) log.warning('processes of an earlier life were ended', { pids: ended });

  const work = await startWork(config, options, { database, onStop });
  startDagProcessor(config, options, { database, onStop, ...work });
  const served = await startApi(config, { log, database, onStop, ...work });
  store.setAddress(served.address);
  await announceEnvironment(config, served, { clock, onStop });
  const { createdAdmin } = served.authentication;
  return {
    name: config.name,
    address: served.address,
    ...(createdAdmin === undefined ? {} : { newAdminPassword: createdAdmin.password }),
  };
}

interface Parts {
  readonly database: Database;
  readonly onStop: OnStop;
}

interface Work {
  readonly scheduler: Scheduler;
  readonly federation: Federation;
}

/** Scheduler, executor and federation, which wake each other. */
async function startWork(config: EnvironmentConfig, { observe, log }: EnvironmentOptions, { database, onStop }: Parts): Promise<Work> {
  const wakeUps: { scheduler?: Scheduler; federation?: Federation } = {};
  const executor = new LocalExecutor({
    clock,
    log: log.named('executor'),
    onReport: (report) => wakeUps.scheduler?.report(report),
    stateFolder: config.stateFolder,
    logsFolder: config.logsFolder,
    workingFolder: config.folder,
    parallelism: config.executor.parallelism,
    maxHeapMegabytes: config.executor.taskHeapMb,
  });
  onStop(() => executor.stop());
  const scheduler = await startScheduler({
    database,
    clock,
    random,
    log: log.named('scheduler'),
    executor,
    observe,
    environmentName: config.name,
    hostname: hostname(),
    pid: process.pid,
    locateCode: (file, bundleVersion) => locateCode(config, file, bundleVersion),
    onOutgoing: () => wakeUps.federation?.wake(),
    isAlone: database.dialect === 'sqlite',
  });
  wakeUps.scheduler = scheduler;
  onStop(() => scheduler.stop());
  const stopListening = database.onWake(() => scheduler.wake('runs'));
  onStop(() => Promise.resolve(stopListening()));

  const aws = awsOptions(config);
  const sqs = connectSqs(aws);
  const federation = startFederation({
    database,
    clock,
    random,
    log: log.named('federation'),
    openSource: ({ source }) => sqs.openSource(source),
    publisher: createSnsPublisher(aws),
    onRunRequested: () => scheduler.wake('runs'),
    onActivity: observe,
  });
  wakeUps.federation = federation;
  onStop(async () => {
    await federation.stop();
    sqs.close();
  });
  return { scheduler, federation };
}

function startDagProcessor(
  config: EnvironmentConfig,
  options: EnvironmentOptions,
  { database, onStop, scheduler, federation }: Parts & Work,
): void {
  const log = options.log.named('dag-processor');
  const entry = authorEntry('@tradewind/sdk/parse-dag-file');
  const processor = new DagProcessor({
    bundleFolder: config.dagsFolder,
    stateFolder: config.stateFolder,
    sink: createDagFileSink({ database, clock, random }),
    clock,
    log,
    findProblem: ({ schedule, params }) => findScheduleProblem(schedule) ?? findParamProblem(params),
    parse: (code, signal) =>
      parseDagFile(
        code,
        {
          entry,
          stateFolder: config.stateFolder,
          workingFolder: config.folder,
          maxHeapMegabytes: config.dagProcessor.heapMb,
          timeoutMs: config.dagProcessor.fileTimeoutSeconds * 1_000,
          clock,
          log,
        },
        signal,
      ),
    onChange: (change) => {
      scheduler.wake('dags');
      federation.refresh();
      options.onDagsChanged?.(change);
    },
  });
  onStop(() => processor.stop());
  onStop(pruneBundles(processor, { database, clock, log }));
  onStop(keepJob('dag_processor', { database, clock, log }));
}

async function startApi(config: EnvironmentConfig, { log, database, onStop, scheduler }: Parts & Work & { readonly log: Log }) {
  const authentication = await openAuthentication({ stateFolder: config.stateFolder, clock, random });
  const server = createServer({
    database,
    clock,
    random,
    log: log.named('api'),
    authentication,
    logsFolder: config.logsFolder,
    environmentName: config.name,
    version: VERSION,
    wake: () => scheduler.wake('dags'),
  });
  onStop(() => server.close());
  const address = await listen(server, {
    host: config.api.host,
    port: config.api.port ?? FIRST_PORT,
    isPortFixed: config.api.port !== undefined,
  });
  return { address, authentication };
}

/** Says what is wrong with the first param whose schema cannot be used. */
function findParamProblem(params: SerializedDag['params']): string | undefined {
  const [problem] = checkParamSchemas(params);
  return problem === undefined ? undefined : `params: ${problem.path}: ${problem.message}`;
}

/** Where children find the code of a dag file at a version: the live paths, with the texts that the manifest pins (adr/0004). */
function locateCode({ dagsFolder, stateFolder }: EnvironmentConfig, file: string, bundleVersion: string): CodeLocation {
  return {
    bundleFolder: dagsFolder,
    file,
    bundleVersion,
    manifestFile: path.join(stateFolder, 'bundles', 'versions', `${bundleVersion}.json`),
  };
}

function awsOptions({ aws }: EnvironmentConfig): AwsOptions {
  const { region, accountId, endpoint, accessKeyId, secretAccessKey } = aws;
  return {
    region,
    accountId,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined ? {} : { credentials: { accessKeyId, secretAccessKey } }),
  };
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}
