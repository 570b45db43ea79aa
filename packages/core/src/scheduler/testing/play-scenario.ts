/** Plays a scenario: a drawn dag, drawn ends of its tries, crashes, clears, marks and pauses in a drawn order, and after each step a comparison with the reference. */
import type { SerializedDag, TryOutcome } from '@tradewind/protocol';
import { operateOnDagRuns } from '../../store/operate-on-dag-runs.ts';
import { createChance, type Chance } from './chance.ts';
import { checkAttempts, checkLimits, isPastMet, type ObservedRuns } from './check-play.ts';
import { drawOperation, findIllegal } from './draw-operation.ts';
import { drawOutcome, outcomeName } from './draw-outcome.ts';
import { createModelWorld, type HeldAttempt, type ModelWorld, type Stage } from './model-world.ts';
import { attemptName, ReferenceRun, type StepEvents } from './reference-model.ts';
import { nameOf } from './reference-run.ts';

/** What is played. Two plays of the same scenario are the same. */
export interface Scenario {
  readonly seed: number;
  readonly dag: SerializedDag;
  readonly parallelism: number;
  readonly mostRuns: number;
  readonly mostSteps: number;
  readonly mostCrashes: number;
  readonly mostOperations: number;
  readonly hasPauses: boolean;
  /** Names of tries that succeed, whatever is drawn for them. */
  readonly calm: ReadonlySet<string>;
}

/** How a play went. */
export interface PlayResult {
  /** What the engine did that the reference would not; empty where they agree. */
  readonly problems: readonly string[];
  /** Names of the tries that were ended. */
  readonly tries: readonly string[];
  /** What was done, a line each. */
  readonly story: readonly string[];
}

/** How long the engine may take to notice what others have changed in the run before, in milliseconds: its round of recovery and a little. */
const NOTICE_MS = 3_500;
/** Far more than any scenario needs that ends. */
const MOST_LAST_STEPS = 5_000;
const FIRST_LOGICAL_AT = 1_000_000;

interface Play {
  readonly scenario: Scenario;
  readonly world: ModelWorld;
  readonly chance: Chance;
  readonly runs: Map<string, ReferenceRun>;
  readonly logicalAt: Map<string, number>;
  readonly started: Set<string>;
  readonly legs: Map<string, number>;
  readonly problems: string[];
  readonly tries: string[];
  readonly story: string[];
  readonly metSince: Map<string, number>;
  observed: ObservedRuns;
  seenDispatches: number;
  crashes: number;
  operations: number;
}

/** Plays a scenario to its end, or to the first disagreement. */
export async function playScenario(stage: Stage, scenario: Scenario): Promise<PlayResult> {
  const world = await createModelWorld(stage, scenario.dag, scenario.parallelism);
  const play: Play = {
    scenario,
    world,
    chance: createChance(scenario.seed, 'steps'),
    runs: new Map(),
    logicalAt: new Map(),
    started: new Set(),
    legs: new Map(),
    problems: [],
    tries: [],
    story: [],
    metSince: new Map(),
    observed: new Map(),
    seenDispatches: 0,
    crashes: 0,
    operations: 0,
  };
  try {
    await trigger(play);
    for (let step = 0; step < scenario.mostSteps && play.problems.length === 0; step += 1) await takeStep(play);
    await finish(play);
  } finally {
    world.end();
  }
  return play;
}

async function takeStep(play: Play): Promise<void> {
  const { chance, scenario, world } = play;
  const roll = chance.between(0, 99);
  if (roll < 5 && play.crashes < scenario.mostCrashes) return crash(play);
  if (roll < 12 && play.operations < scenario.mostOperations) return operate(play);
  if (roll < 16 && scenario.hasPauses) return pause(play, chance.happens(0.5));
  if (roll < 24 && play.runs.size < scenario.mostRuns) return trigger(play);
  if (roll < 36 && world.held.length > 0) return startSome(play);
  if (roll < 44 || world.held.length === 0) return settle(play, {}, chance.pick([20, 600, 1_100, 5_100]));
  return endSome(play, chance.between(1, world.held.length));
}

/** Peace: everything is ended until all runs have ended, or wait for what never comes. */
async function finish(play: Play): Promise<void> {
  const { world, problems, scenario } = play;
  if (problems.length === 0 && scenario.hasPauses) await pause(play, false);
  let idle = 0;
  for (let step = 0; step < MOST_LAST_STEPS && problems.length === 0 && idle < 4; step += 1) {
    if (world.held.length > 0) {
      idle = 0;
      await endSome(play, world.held.length);
    } else {
      const before = world.clock.now();
      const states = describe(play.observed);
      await settle(play, {}, 5_100);
      idle = describe(play.observed) === states && world.held.length === 0 && world.clock.now() > before ? idle + 1 : 0;
      if ([...play.observed.values()].every(({ state }) => state === 'success' || state === 'failed')) return;
    }
  }
  if (problems.length === 0) problems.push(...findStuck(play));
}

/** A run that cannot go on must have a reason: an earlier run that is not as one of its tasks wants it, or runs before it that fill the limit. */
function findStuck(play: Play): string[] {
  const running = [...play.observed.values()].filter(({ state }) => state === 'running').length;
  return [...play.observed].flatMap(([runId, { state, instances }]) => {
    if (state === 'success' || state === 'failed') return [];
    if (state === 'queued') return running >= play.scenario.dag.maxActiveRuns ? [] : [`${runId} is never started`];
    const working = instances.filter((instance) =>
      ['scheduled', 'queued', 'running', 'restarting', 'deferred', 'up_for_retry', 'up_for_reschedule'].includes(instance.state),
    );
    if (working.length > 0)
      return [`${runId} never ends: ${working.map((instance) => `${nameOf(instance)} stays ${instance.state}`).join(', ')}`];
    const waits = play.runs.get(runId)?.waitsForPast(eventsOf(play, runId, { before: play.observed })) === true;
    return waits
      ? []
      : [
          `${runId} never ends: ${instances
            .filter((instance) => instance.state === 'none')
            .map(nameOf)
            .join(', ')} wait for nothing`,
        ];
  });
}

function describe(observed: ObservedRuns): string {
  return [...observed]
    .map(([id, { state, instances }]) => `${id} ${state} ${instances.map((instance) => `${instance.state}${instance.epoch}`).join()}`)
    .join('\n');
}

interface Happened {
  readonly ended?: ReadonlyMap<string, TryOutcome>;
  readonly isCrash?: boolean;
}

/** Lets the engine go on, and compares. */
async function settle(play: Play, happened: Happened, ms = 0): Promise<void> {
  const { world, problems, runs } = play;
  await world.advance(ms);
  if (ms > 0) play.story.push(`${ms} ms pass`);
  const before = play.observed;
  play.observed = world.observe();
  notePast(play);
  for (const [runId, observed] of play.observed) {
    const run = runs.get(runId);
    if (run === undefined) problems.push(`nobody asked for the run ${runId}`);
    else problems.push(...run.follow(observed, eventsOf(play, runId, { ...happened, before })).map((problem) => `${runId}: ${problem}`));
  }
  problems.push(...checkAttempts(world, play.observed, play.seenDispatches), ...checkLimits(play.scenario.dag, play.observed));
  play.seenDispatches = world.dispatched.length;
}

function eventsOf(
  play: Play,
  runId: string,
  { ended = new Map(), isCrash = false, before }: Happened & { readonly before: ObservedRuns },
): StepEvents {
  const { world, observed, started, logicalAt, scenario } = play;
  const { dag } = scenario;
  const now = world.clock.now();
  return {
    now,
    ended,
    started,
    isCrash,
    past(task) {
      const mayPass = isPastMet({ dag, logicalAt, runId, task }, before) || isPastMet({ dag, logicalAt, runId, task }, observed);
      const since = play.metSince.get(`${runId} ${task.taskId}`) ?? Number.POSITIVE_INFINITY;
      return { mayPass, mustPass: now - since >= NOTICE_MS };
    },
  };
}

function notePast(play: Play): void {
  const { scenario, observed, metSince, world, logicalAt } = play;
  for (const task of scenario.dag.tasks) {
    if (task.dependsOnPast !== true && task.waitForDownstream !== true) continue;
    for (const runId of observed.keys()) {
      const key = `${runId} ${task.taskId}`;
      if (!isPastMet({ dag: scenario.dag, logicalAt, runId, task }, observed)) metSince.delete(key);
      else if (!metSince.has(key)) metSince.set(key, world.clock.now());
    }
  }
}

async function trigger(play: Play): Promise<void> {
  const { world, runs, logicalAt, chance, scenario } = play;
  const runId = `run_${runs.size}`;
  // Mostly later than all others, now and then before them.
  const at = FIRST_LOGICAL_AT + (chance.happens(0.8) ? 1 : -1) * (runs.size + 1) * 1_000;
  play.story.push(`${runId} is asked for, with the logical date ${at}`);
  runs.set(runId, new ReferenceRun(scenario.dag));
  logicalAt.set(runId, at);
  await world.trigger(runId, at);
  await settle(play, {});
}

async function startSome(play: Play): Promise<void> {
  const { world, chance } = play;
  for (const held of world.held) if (chance.happens(0.6)) begin(play, held);
  await settle(play, {}, 20);
}

function begin({ world, started, story }: Play, held: HeldAttempt): void {
  const { attempt, context } = held.workload;
  started.add(attemptName({ id: attempt.taskInstanceId, epoch: attempt.epoch }));
  if (!held.isStarted) story.push(`${context.runId} ${context.taskId}[${context.mapIndex}] begins`);
  world.start(held);
}

async function endSome(play: Play, count: number): Promise<void> {
  const { world, chance, scenario, legs } = play;
  const ended = new Map<string, TryOutcome>();
  for (let left = count; left > 0; left -= 1) {
    const [first, ...rest] = world.held;
    if (first === undefined) break;
    const held = chance.pick([first, ...rest]);
    const { workload } = held;
    const { attempt, context } = workload;
    const tryName = `${context.runId} ${context.taskId} ${context.mapIndex} ${context.tryNumber}`;
    const leg = legs.get(tryName) ?? 0;
    legs.set(tryName, leg + 1);
    const place = { seed: scenario.seed, workload, leg, now: world.clock.now() };
    const name = outcomeName(place);
    const outcome = drawOutcome(scenario.dag, place, scenario.calm.has(name));
    play.tries.push(name);
    begin(play, held);
    play.story.push(`${context.runId} ${context.taskId}[${context.mapIndex}] try ${context.tryNumber} ends: ${JSON.stringify(outcome)}`);
    ended.set(attemptName({ id: attempt.taskInstanceId, epoch: attempt.epoch }), outcome);
    world.finish(held, outcome);
  }
  // While much is at work an end waits a little for company, unless somebody wakes the scheduler; what follows from it is compared at the moment of the end.
  await world.advance(0);
  world.wake();
  await settle(play, { ended });
}

async function crash(play: Play): Promise<void> {
  play.crashes += 1;
  play.story.push('the scheduler and its workers die');
  await play.world.crash();
  await settle(play, { isCrash: true });
}

async function pause(play: Play, isPaused: boolean): Promise<void> {
  play.story.push(isPaused ? 'the dag is paused' : 'the dag goes on');
  await play.world.setPaused(isPaused);
  await settle(play, {});
}

/** Somebody clears or marks something; what that itself does has its own tests, what the engine makes of it is followed. */
async function operate(play: Play): Promise<void> {
  const { world, scenario, runs, chance, problems } = play;
  const [first, ...rest] = [...runs.keys()];
  const [task, ...tasks] = scenario.dag.tasks;
  if (first === undefined || task === undefined) return;
  play.operations += 1;
  const runId = chance.pick([first, ...rest]);
  const { text, decide } = drawOperation(chance, chance.pick([task, ...tasks]).taskId);
  play.story.push(`${runId}: ${text}`);
  const context = { database: world.database, now: world.clock.now(), newId: () => `operation_${play.operations}` };
  await operateOnDagRuns(context, { selection: { dagId: scenario.dag.dagId, runId }, decide });
  const observed = world.observe();
  for (const [id, after] of observed) {
    const run = runs.get(id);
    const before = run?.known;
    if (run === undefined || before === undefined) continue;
    problems.push(...findIllegal(before, after).map((problem) => `${id}: ${problem}`));
    run.adopt(after);
  }
  play.observed = observed;
  world.wake();
  await settle(play, {});
}
