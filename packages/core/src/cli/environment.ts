/**
 * Composes one environment in this process: the only place that knows every part. Parts hear of each other through the functions handed to them here.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { LogRecord, SerializedDag } from '@tradewind/protocol';
import { openAuthentication } from '../api/auth/authentication.ts';
import { createServer, listen } from '../api/server.ts';
import type { DagFilesChange } from '../dag-processor/dag-files.ts';
import { locateCode } from '../dag-processor/bundle-folders.ts';
import { DagFileReader } from '../dag-processor/dag-file-reader.ts';
import { askTimetableCode } from '../dag-processor/parse-process.ts';
import { startTimetableKeeper } from '../dag-processor/timetable-keeper.ts';
import { LocalExecutor } from '../executors/local/local-executor.ts';
import { startFederation, type Federation } from '../federation/federation.ts';
import { createSnsPublisher } from '../federation/transports/sns-publisher.ts';
import { connectSqs } from '../federation/transports/sqs-source.ts';
import { checkParamSchemas } from '../model/params.ts';
import { findScheduleProblem } from '../model/timetables/find-schedule-problem.ts';
import type { ActivityObserver } from '../platform/activity.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import { describeConfig } from '../platform/describe-config.ts';
import { endLeftoverChildren } from '../platform/leftover-children.ts';
import type { Log } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import type { LargeValues } from '../platform/value-store.ts';
import type { ObservedTick } from '../scheduler/scheduler-state.ts';
import { startScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import type { Triggerer } from '../triggerer/triggerer.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { awsOptions } from './aws-options.ts';
import { bundlePlaces, startDagProcessors, type DagProcessors } from './dag-processors.ts';
import { composeTriggerer } from './compose-triggerer.ts';
import { announceEnvironment } from './environment-file.ts';
import { gatherCalls } from './gather-calls.ts';
import { keepJob } from './keep-job.ts';
import { openStore } from './open-store.ts';
import { openValues } from './open-values.ts';
import { readDagSource } from './read-dag-source.ts';
import { openSecrets, type EnvironmentSecrets } from './task-services/environment-secrets.ts';
import { composeTaskServices } from './task-services/index.ts';
import { maskLog } from './task-services/mask-log.ts';
import { maskParseReply } from './task-services/mask-parse-reply.ts';
import { pruneBundles } from './prune-bundles.ts';
import { pruneValues } from './prune-values.ts';
import { VERSION } from './version.ts';
import { waitForDatabase } from './wait-for-database.ts';

/** What whoever starts an environment hears of it. */
export interface EnvironmentOptions {
  readonly observe: ActivityObserver;
  readonly observeTick?: (tick: ObservedTick) => void;
  readonly onDagsChanged?: (change: DagFilesChange) => void;
  readonly log: Log;
  /** Gives up a start that still waits for its database. */
  readonly signal?: AbortSignal | undefined;
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

async function compose(config: EnvironmentConfig, given: EnvironmentOptions, onStop: OnStop): Promise<Omit<RunningEnvironment, 'stop'>> {
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(config, { clock, random, log: given.log.named('store') });
  onStop(() => store.close());
  const { database } = store;
  const timeoutMs = config.database.connectTimeoutSeconds * 1_000;
  await waitForDatabase(database, { timeoutMs, clock, log: given.log.named('store'), signal: given.signal });
  await migrate(database, clock.now());
  const secrets = await openSecrets(config, { database, clock, log: given.log.named('secrets') });
  const log = maskLog(given.log, secrets.masker);
  const options = { ...given, log };
  const ended = await endLeftoverChildren(config.stateFolder);
  if (ended.length > 0) log.warning('processes of an earlier life were ended', { pids: ended });

  const largeValues = openValues(config, log.named('values'));
  onStop(() => Promise.resolve(largeValues.close()));
  onStop(pruneValues(largeValues, { database, clock, log: log.named('values') }));
  const work = await startWork(config, options, { database, onStop, secrets, largeValues });
  const processors = await startDagReading(config, options, { database, onStop, secrets, ...work });
  const served = await startApi(config, { log, database, onStop, secrets, largeValues, processors, ...work });
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

interface Secrets {
  readonly secrets: EnvironmentSecrets;
}

interface Values {
  readonly largeValues: LargeValues;
}

interface Work {
  readonly scheduler: Scheduler;
  readonly federation: Federation;
}

/** Parts that wake each other, as far as they have been started. */
interface WakeUps {
  scheduler?: Scheduler;
  federation?: Federation;
  triggerer?: Triggerer;
}

/** Scheduler, executor and federation, which wake each other. */
async function startWork(
  config: EnvironmentConfig,
  { observe, observeTick, log }: EnvironmentOptions,
  parts: Parts & Secrets & Values,
): Promise<Work> {
  const { database, onStop, secrets, largeValues } = parts;
  const wakeUps: WakeUps = {};
  const places = bundlePlaces(config);
  const executor = new LocalExecutor({
    clock,
    log: log.named('executor'),
    onReport: (report) => wakeUps.scheduler?.report(report),
    stateFolder: config.stateFolder,
    logsFolder: config.logsFolder,
    workingFolder: config.folder,
    parallelism: config.executor.parallelism,
    maxHeapMegabytes: config.executor.taskHeapMb,
    services: composeTaskServices({
      config,
      database,
      clock,
      random,
      log: log.named('task-services'),
      secrets,
      largeValues,
      wake: () => wakeUps.scheduler?.wake('runs'),
    }),
    secrets,
  });
  onStop(() => executor.stop());
  const scheduler = await startScheduler({
    maxMapLength: config.scheduler.maxMapLength,
    largeValues,
    database,
    clock,
    random,
    log: log.named('scheduler'),
    executor,
    observe,
    ...(observeTick === undefined ? {} : { observeTick }),
    environmentName: config.name,
    hostname: hostname(),
    pid: process.pid,
    locateCode: (file, bundleVersion) => locateCode(places, file, bundleVersion),
    onOutgoing: () => wakeUps.federation?.wake(),
    onWaiting: () => wakeUps.triggerer?.wake(),
    isAlone: database.dialect === 'sqlite',
  });
  wakeUps.scheduler = scheduler;
  onStop(() => scheduler.stop());
  const stopListening = database.onWake(() => wakeAll(wakeUps));
  onStop(() => Promise.resolve(stopListening()));
  wakeUps.triggerer = await startTriggers(config, log, { ...parts, scheduler });

  const federation = startEvents(config, { observe, log }, { database, onStop, scheduler });
  wakeUps.federation = federation;
  return { scheduler, federation };
}

/** The triggerer: what tasks wait for with code of their own, and callbacks. */
async function startTriggers(
  config: EnvironmentConfig,
  log: Log,
  { database, onStop, secrets, scheduler }: Parts & Secrets & Pick<Work, 'scheduler'>,
): Promise<Triggerer> {
  const places = bundlePlaces(config);
  const triggerer = await composeTriggerer(config, {
    database,
    log: log.named('triggerer'),
    locateCode: (file, bundleVersion) => locateCode(places, file, bundleVersion),
    maskRecord: (record) => secrets.masker.maskValue(record) as LogRecord,
    sealer: secrets.sealer,
    onFired: () => scheduler.wake('runs'),
  });
  onStop(() => triggerer.stop());
  return triggerer;
}

function wakeAll({ scheduler, triggerer, federation }: WakeUps): void {
  scheduler?.wake('runs');
  triggerer?.wake();
  // An event that was reported through the API may have to leave the environment.
  federation?.wake();
}

/** What receives and sends events of other environments. */
function startEvents(
  config: EnvironmentConfig,
  { observe, log }: EnvironmentOptions,
  { database, onStop, scheduler }: Parts & Pick<Work, 'scheduler'>,
): Federation {
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
  onStop(async () => {
    await federation.stop();
    sqs.close();
  });
  return federation;
}

async function startDagReading(
  config: EnvironmentConfig,
  options: EnvironmentOptions,
  { database, onStop, scheduler, federation, secrets }: Parts & Secrets & Work,
): Promise<DagProcessors> {
  const log = options.log.named('dag-processor');
  const child = {
    entry: authorEntry('@tradewind/sdk/parse-dag-file'),
    stateFolder: config.stateFolder,
    workingFolder: config.folder,
    maxHeapMegabytes: config.dagProcessor.heapMb,
    timeoutMs: config.dagProcessor.fileTimeoutSeconds * 1_000,
    clock,
    log,
  };
  const places = bundlePlaces(config);
  const timetables = startTimetableKeeper({
    database,
    clock,
    log: options.log.named('timetables'),
    ask: (code, question, signal) => askTimetableCode({ code, question }, child, signal),
    locateCode: (file, bundleVersion) => locateCode(places, file, bundleVersion),
    onStocked: () => scheduler.wake('dags'),
  });
  onStop(() => timetables.stop());
  // Of a thousand files each is a change; whoever is told of it looks at the dags of all.
  const news = gatherCalls(clock, () => {
    scheduler.wake('dags');
    timetables.wake();
    federation.refresh();
  });
  const reader = new DagFileReader(child);
  const processors = await startDagProcessors(config, {
    database,
    clock,
    random,
    log,
    findProblem: ({ schedule, params }) => findScheduleProblem(schedule) ?? findParamProblem(params),
    parse: async (...file) => maskParseReply(await reader.read(...file), secrets.masker),
    onChange: (change) => {
      news.ask();
      options.onDagsChanged?.(change);
    },
  });
  onStop(async () => {
    await processors.stop();
    news.stop();
    await reader.stop();
  });
  onStop(pruneBundles(processors, { database, clock, log }));
  onStop(keepJob('dag_processor', { database, clock, log }));
  return processors;
}

async function startApi(
  config: EnvironmentConfig,
  parts: Parts & Secrets & Values & Work & { readonly log: Log; readonly processors: DagProcessors },
) {
  const { log, database, onStop, scheduler, secrets, largeValues, processors } = parts;
  const places = bundlePlaces(config);
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
    secrets,
    config: describeConfig(config),
    largeValues,
    dagFiles: { reread: (files) => processors.reread(files), readSource: (file, version) => readDagSource(places, file, version) },
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

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}
