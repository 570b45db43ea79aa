/**
 * One episode: an environment of two schedulers and a consumer on one database, with dags drawn from the seed, people who trigger and pause, another environment that sends
 * messages, and everything that can go wrong going wrong. After the time of faults comes a time of peace, in which all that was asked for must end.
 */
import { DatabaseSync } from 'node:sqlite';
import type { AttemptReport, SerializedDag, TryOutcome } from '@tradewind/protocol';
import { startConsumer } from '../packages/core/src/federation/consumer.ts';
import { decideTryEnd } from '../packages/core/src/model/try-end.ts';
import { silentLog } from '../packages/core/src/platform/log.ts';
import { startScheduler, type Scheduler } from '../packages/core/src/scheduler/scheduler.ts';
import { drawOperation } from '../packages/core/src/scheduler/testing/draw-operation.ts';
import { defineStatement, wakeOthers, type Database, type Statement } from '../packages/core/src/store/database.ts';
import { migrate } from '../packages/core/src/store/migrate.ts';
import { operateOnDagRuns } from '../packages/core/src/store/operate-on-dag-runs.ts';
import { openSqliteConnection } from '../packages/core/src/store/sqlite-database.ts';
import { createDagRun } from '../packages/core/src/store/transitions/create-dag-run.ts';
import { finishTaskInstances } from '../packages/core/src/store/transitions/finish-task-instances.ts';
import { pushXComs } from '../packages/core/src/store/transitions/push-xcoms.ts';
import { startTaskInstances } from '../packages/core/src/store/transitions/start-task-instances.ts';
import type { ExpectedRuns } from './check-totals.ts';
import { Checker } from './checker.ts';
import type { Violation } from './known-run.ts';
import { applyMutant, mutateSource, type MutantName } from './mutants.ts';
import { drawDags, hasPast, insertDags, SUBSCRIPTION, setPaused } from './random-dags.ts';
import type { SeededRandom } from './seeded-random.ts';
import { connectProcess, type DatabaseFaults, type WorldDatabase } from './simulated-database.ts';
import { createSimulatedExecutor, type TaskBehaviour, type WorkerHistory } from './simulated-executor.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { createSimulatedQueue, type SimulatedQueue } from './simulated-queue.ts';
import { createVirtualTime, virtualClock, type VirtualTime } from './virtual-time.ts';

/** How an episode went. */
export interface EpisodeResult {
  readonly steps: number;
  readonly hash: string;
  readonly violations: readonly Violation[];
}

/** The instant at which every episode begins: a Saturday, far from any change of clocks. */
const START_AT = Date.UTC(2026, 10, 21);
/** After the faults: the longest lease, visibility timeout, retry delay and back-off many times over. */
const PEACE_MS = 3_600_000;
/** Longer than any wait of a task: where nothing has changed for so long, nothing will. */
const REST_MS = 60_000;
/** How long short tasks take at most; in peace all are short. */
const SHORT_MS = 60;
/** As long as the longest that is drawn. */
const STRAY_RETRY_DELAY_MS = 1_000;
const LEASE_MS = 2_000;
const RECOVERY_INTERVAL_MS = 500;

const FAULTS: DatabaseFaults = { lost: 0.01, inDoubt: 0.02, slow: 0.03, slowestMs: 2 * LEASE_MS };
/** In peace nothing fails any more, but the network may still be slow: the last deaths are cleaned up under the same races as the first. */
const LAST_FAULTS: DatabaseFaults = { lost: 0, inDoubt: 0, slow: 0.03, slowestMs: LEASE_MS / 2 };

interface World {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly database: Database;
  readonly worldDatabase: WorldDatabase;
  readonly dags: ReadonlyMap<string, SerializedDag>;
  readonly history: WorkerHistory;
  readonly queue: SimulatedQueue;
  readonly expectedRuns: ExpectedRuns;
  /** When something was last committed. */
  readonly changedAt: () => number;
  readonly schedulers: Map<string, Scheduler>;
  readonly mutant: MutantName | undefined;
  readonly behaviour: TaskBehaviour;
  isPeaceful: boolean;
  incarnations: number;
}

/** Plays one episode of about `steps` steps of trouble, then peace, and says what was violated. */
export async function playEpisode(random: SeededRandom, steps: number, mutant?: MutantName): Promise<EpisodeResult> {
  const time = createVirtualTime(random.fork(), START_AT);
  const connection = new DatabaseSync(':memory:');
  const database = openSqliteConnection(connection, { file: ':memory:', now: () => time.now });
  await migrate(database, time.now);
  const dags = drawDags(random);
  await insertDags(database, dags, time.now);
  const history: WorkerHistory = { begun: new Set(), ended: new Map() };
  const expectedRuns: ExpectedRuns = { byHand: new Set(), byEvent: new Set() };
  const checker = new Checker({ connection, dags, history, expectedRuns, now: () => time.now });
  const longestMs = random.pick([SHORT_MS, 3 * LEASE_MS]);
  const world: World = {
    time,
    random,
    database,
    worldDatabase: {
      run(statements) {
        const rows = database.batch(statements);
        if (statements.includes(wakeOthers)) wakeSome(world, 0.7);
        return rows;
      },
      afterCommit: (transaction) => checker.afterCommit(transaction),
    },
    changedAt: () => checker.changedAt,
    dags,
    history,
    queue: createSimulatedQueue(time, random.fork(), () =>
      world.isPeaceful ? { doubled: 0, unheeded: 0 } : { doubled: 0.1, unheeded: 0.1 },
    ),
    expectedRuns,
    schedulers: new Map(),
    mutant,
    // In half of the worlds tasks outlast leases, so that workers report long after they were given up.
    behaviour: { wildness: random.pick([0.2, 0.7]), longestMs: () => (world.isPeaceful ? SHORT_MS : longestMs) },
    isPeaceful: false,
    incarnations: 0,
  };
  keepAlive(world, 'scheduler-a', startSimulatedScheduler);
  keepAlive(world, 'scheduler-b', startSimulatedScheduler);
  keepAlive(world, 'consumer', startSimulatedConsumer);
  keepAsking(world);
  await run(world, checker, steps);
  const result = { steps: time.steps, hash: time.hash, violations: [...checker.violations] };
  connection.close();
  return result;
}

async function run(world: World, checker: Checker, steps: number): Promise<void> {
  while (world.time.steps < steps && checker.violations.length === 0) await world.time.step();
  world.isPeaceful = true;
  await setPaused(world.database, [...world.dags.keys()], false);
  const peaceUntil = world.time.now + PEACE_MS;
  while (world.time.now < peaceUntil && checker.violations.length === 0) {
    if (!(await world.time.step())) break;
    if (world.time.steps % 200 === 0 && (await isQuiet(world))) break;
  }
  if (checker.violations.length === 0) checker.atEnd();
}

async function isQuiet(world: World): Promise<boolean> {
  if (world.queue.size > 0) return false;
  const [rows] = await world.database.batch([
    {
      name: 'unfinished',
      text: () =>
        `select (select count(*) from dag_run where state in ('queued', 'running')) + (select count(*) from run_request where state = 'pending') as total`,
      values: [],
      row: { total: 0 },
    },
  ]);
  // Runs that wait for what an earlier one will never do stay as they are.
  const isAtRest = world.time.now - world.changedAt() > REST_MS && [...world.dags.values()].some(hasPast);
  return rows[0]?.total === 0 || isAtRest;
}

/** Starts a process, kills it at a drawn moment, and starts its successor after a while; pauses it now and then. */
function keepAlive(world: World, name: string, start: (world: World, process: SimulatedProcess) => void): void {
  const { time, random } = world;
  world.incarnations += 1;
  const process = new SimulatedProcess(`${name}-${world.incarnations}`, time);
  start(world, process);
  const trouble = (): void => {
    if (world.isPeaceful) return;
    if (random.happens(0.3)) {
      process.pause(random.between(100, 2 * LEASE_MS));
      time.plan(random.between(50, 3_000), `${process.name} trouble`, trouble);
      return;
    }
    process.kill();
    time.plan(random.between(0, 1_500), `${name} restarts`, () => {
      keepAlive(world, name, start);
    });
  };
  time.plan(random.between(50, 4_000), `${process.name} trouble`, trouble);
}

function connect(world: World, process: SimulatedProcess): Database {
  const faults = () => (world.isPeaceful ? LAST_FAULTS : FAULTS);
  return applyMutant(world.mutant, connectProcess(world.worldDatabase, process, world.random, faults), process);
}

function startSimulatedScheduler(world: World, process: SimulatedProcess): void {
  const { time, random } = world;
  let scheduler: Scheduler | undefined;
  const executor = createSimulatedExecutor({
    time,
    process,
    random,
    history: world.history,
    behaviour: world.behaviour,
    dags: world.dags,
    report: (report) => scheduler?.report(report),
    reportAsStray: (report) => {
      reportAsStray(world, report);
    },
  });
  const started = startScheduler({
    database: connect(world, process),
    clock: virtualClock(time, process),
    random: { fraction: () => random.fraction(), uuid: () => random.uuid() },
    log: silentLog,
    executor,
    observe: () => {},
    environmentName: 'simulated',
    hostname: process.name,
    pid: 1,
    locateCode: (file, bundleVersion) => ({ bundleFolder: '/', file, bundleVersion, manifestFile: '/' }),
    onOutgoing: () => {},
    isAlone: false,
    leaseMs: LEASE_MS,
    recoveryIntervalMs: RECOVERY_INTERVAL_MS,
    tickSize: random.between(3, 50),
  });
  started.then(
    (running) => {
      scheduler = running;
      world.schedulers.set(process.name, running);
    },
    () => {
      // The database did not answer: the process ends and is started again, as a supervisor would.
      process.kill();
      time.plan(100, `${process.name} starts again`, () => {
        keepAlive(world, process.name.replace(/-\d+$/, ''), startSimulatedScheduler);
      });
    },
  );
}

function startSimulatedConsumer(world: World, process: SimulatedProcess): void {
  const { random, time } = world;
  startConsumer({
    subscription: SUBSCRIPTION,
    source: mutateSource(world.mutant, world.queue.connect(process)),
    database: connect(world, process),
    clock: virtualClock(time, process),
    random: { fraction: () => random.fraction(), uuid: () => random.uuid() },
    log: silentLog,
    onRunRequested: () => {
      wakeSome(world, 0.7);
    },
    onActivity: () => {},
  });
}

/**
 * A worker that outlived its scheduler reports by itself, as one on another machine would through the API; where it hears no answer it reports again,
 * perhaps much later.
 */
function reportAsStray(world: World, report: AttemptReport): void {
  const { time, random } = world;
  recordStrayReport(world, report).catch(ignore);
  if (!random.happens(0.3)) return;
  time.plan(random.between(1, 2 * LEASE_MS), 'a stray worker reports again', () => {
    // It does not know what was heard of all that it said: it says all of it once more.
    const started = { type: 'started', attempt: report.attempt, at: report.at, pid: 1, hostname: 'stray' } as const;
    recordStrayReport(world, started)
      .then(() => recordStrayReport(world, report))
      .catch(ignore);
  });
}

/** What is asked of the environment on a stray's behalf: how its task instance stands, to decide from. */
const selectTries = defineStatement<{ tryNumber: number; maxTries: number; losses: number; reschedules: number }, [id: string]>(
  'simulation_select_tries',
  () => `select try_number as "tryNumber", max_tries as "maxTries", losses, reschedules from task_instance where id = $1`,
  (id) => [id],
);

async function recordStrayReport(world: World, report: AttemptReport): Promise<void> {
  const { attempt } = report;
  if (report.type === 'started') {
    await runAtOnce(world, [startTaskInstances([{ ...attempt, startedAt: report.at, hostname: 'stray', pid: 1 }])]);
    return;
  }
  const [[tries]] = await world.database.batch([selectTries(attempt.taskInstanceId)]);
  if (tries === undefined) return;
  const end = decideTryEnd({ ...tries, retryDelayMs: STRAY_RETRY_DELAY_MS }, report.outcome, report.at);
  const texts = { failure: jsonOrNull(end.failure), decision: jsonOrNull(end.decision), deferral: jsonOrNull(end.deferral) };
  const finished = [{ ...attempt, ...end, ...texts, from: 'running' as const, endedAt: report.at }];
  const values = valueOf(report.outcome).map((value) => ({ ...attempt, value }));
  await runAtOnce(world, [finishTaskInstances(finished), pushXComs(report.at, values)]);
}

/** A known bug may make a statement fail; what that leaves behind is what is looked at. */
function ignore(): void {}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function valueOf(outcome: TryOutcome): readonly string[] {
  return outcome.result === 'success' ? [outcome.valueJson] : [];
}

async function runAtOnce(world: World, statements: Parameters<Database['batch']>[0]): Promise<void> {
  await applyMutant(world.mutant, world.database, undefined).batch(statements);
  world.worldDatabase.afterCommit({ by: 'others' });
}

/** Tells the schedulers that there may be something to start; some of them do not hear it. */
function wakeSome({ schedulers, random }: World, share: number): void {
  for (const scheduler of schedulers.values()) if (random.happens(share)) scheduler.wake('runs');
}

/** People and other environments: runs by hand, messages, pauses. Each is noted the moment it is sure to have been asked for. */
function keepAsking(world: World): void {
  const { time, random } = world;
  let messages = 0;
  const ask = (): void => {
    if (world.isPeaceful) return;
    const dag = random.pick([...world.dags.values()] as [SerializedDag, ...SerializedDag[]]);
    if (random.happens(0.15) && !hasPast(dag)) operate(world, dag);
    else if (random.happens(0.1)) void setPaused(world.database, [dag.dagId], random.happens(0.5));
    else if (dag.schedule.kind === 'asset') {
      messages += 1;
      sendMessage(world, messages);
    } else {
      trigger(world, dag);
    }
    time.plan(random.between(40, 900), 'somebody asks', ask);
  };
  time.plan(10, 'somebody asks', ask);
}

function trigger(world: World, dag: SerializedDag): void {
  const { random, time } = world;
  const runId = `manual__${random.uuid()}`;
  world.expectedRuns.byHand.add(`${dag.dagId} ${runId}`);
  const asked = createDagRun(
    world.database,
    {
      id: random.uuid(),
      dagId: dag.dagId,
      runId,
      triggeredBy: 'rest_api',
      triggeringUser: null,
      conf: '{}',
      note: null,
      logicalAt: hasPast(dag) ? time.now : null,
      intervalStartAt: null,
      intervalEndAt: null,
      runAfterAt: time.now,
      dagVersionId: `version-of-${dag.dagId}`,
    },
    time.now,
  );
  world.worldDatabase.afterCommit({ by: 'others' });
  void asked;
  wakeSome(world, 0.7);
}

/** Somebody clears or marks something of one of the dag's latest runs, as the API does; nobody comes in between. */
function operate(world: World, dag: SerializedDag): void {
  const { random, time, worldDatabase } = world;
  const [first, ...rest] = dag.tasks;
  if (first === undefined) return;
  const { decide } = drawOperation(random, random.pick([first, ...rest]).taskId);
  const latest: Statement<{ runId: string }> = {
    name: 'simulation_latest_runs',
    text: () => 'select run_id as "runId" from dag_run where dag_id = $1 and started_at is not null order by id desc limit 8',
    values: [dag.dagId],
  };
  const database = withOperations(applyMutant(world.mutant, world.database, undefined), worldDatabase);
  const operated = async (): Promise<void> => {
    const [[newest, ...others]] = await database.batch([latest]);
    if (newest === undefined) return;
    const run = random.pick([newest, ...others]);
    const context = { database, now: time.now, newId: () => random.uuid() };
    await operateOnDagRuns(context, { selection: { dagId: dag.dagId, runId: run.runId }, decide });
    wakeSome(world, 0.5);
  };
  operated().catch(ignore);
}

function withOperations(database: Database, { afterCommit }: WorldDatabase): Database {
  return {
    ...database,
    async batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements) {
      const rows = await database.batch(statements);
      afterCommit({ by: 'operation' });
      return rows;
    },
  };
}

function sendMessage(world: World, number: number): void {
  const { queue, random, time } = world;
  const id = `event-${number}`;
  const isMalformed = random.happens(0.05);
  const event = {
    specversion: '1.0',
    id,
    source: '/tradewind/other/dag',
    type: 'orders.completed',
    time: new Date(time.now).toISOString(),
    data: { n: number },
  };
  const body = isMalformed ? JSON.stringify({ ...event, id: 5 }) : JSON.stringify(event);
  queue.send(`message-${number}`, body);
  // The same event sent again as another message, as a relay does that died before it noted the first.
  if (random.happens(0.2)) queue.send(`message-${number}-again`, body);
  if (isMalformed) return;
  for (const [dagId, dag] of world.dags) {
    if (dag.schedule.kind === 'asset') world.expectedRuns.byEvent.add(`${dagId} ${id}`);
  }
}
