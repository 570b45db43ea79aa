import { compileGraph, type MapSource, type SerializedDag, type SerializedExpansion, type SerializedTask } from '@tradewind/protocol';
import type { PlayResult, Scenario } from './play-scenario.ts';

/** Most plays that are spent on making one example smaller. */
const MOST_PLAYS = 1_500;
/** A smaller dag is another story; with some other order of events it may show the same. */
const SEEDS_EACH = 3;

/** The smallest scenario found that still shows a disagreement, and what it shows. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: PlayResult;
}

/** Makes a scenario that shows a disagreement smaller, one thing after the other, for as long as it shows one. */
export async function shrinkScenario(found: Shrunk, play: (scenario: Scenario) => Promise<PlayResult>): Promise<Shrunk> {
  let smallest = found;
  let plays = 0;
  for (let hasShrunk = true; hasShrunk && plays < MOST_PLAYS;) {
    hasShrunk = false;
    for (const candidate of smallerScenarios(smallest)) {
      for (let seed = 0; seed < SEEDS_EACH && !hasShrunk && plays < MOST_PLAYS; seed += 1) {
        const scenario = { ...candidate, seed: smallest.scenario.seed + seed * 1_000_003 };
        plays += 1;
        const result = await play(scenario);
        if (result.problems.length === 0) continue;
        smallest = { scenario, result };
        hasShrunk = true;
      }
      if (hasShrunk) break;
    }
  }
  return smallest;
}

function* smallerScenarios({ scenario, result }: Shrunk): Generator<Scenario> {
  const { dag, calm, mostCrashes, mostOperations, mostRuns, mostSteps } = scenario;
  for (const smaller of smallerDags(dag)) yield { ...scenario, dag: smaller };
  if (mostCrashes > 0) yield { ...scenario, mostCrashes: mostCrashes - 1 };
  if (mostOperations > 0) yield { ...scenario, mostOperations: mostOperations - 1 };
  if (mostRuns > 1) yield { ...scenario, mostRuns: mostRuns - 1 };
  if (mostSteps > 1) yield { ...scenario, mostSteps: Math.floor(mostSteps / 2) };
  if (mostSteps > 1) yield { ...scenario, mostSteps: mostSteps - 1 };
  if (scenario.hasPauses) yield { ...scenario, hasPauses: false };
  if (scenario.parallelism < 32) yield { ...scenario, parallelism: 32 };
  const wild = result.tries.filter((name) => !calm.has(name));
  if (wild.length > 1) yield { ...scenario, calm: new Set([...calm, ...wild]) };
  for (const name of wild) yield { ...scenario, calm: new Set([...calm, name]) };
}

const TASK_OPTIONS = [
  'groupId',
  'expand',
  'decision',
  'role',
  'followedOn',
  'failsDagRun',
  'pool',
  'poolSlots',
  'priorityWeight',
  'weightRule',
  'maxActiveTisPerDag',
  'maxActiveTisPerDagrun',
  'dependsOnPast',
  'waitForDownstream',
  'ignoreFirstDependsOnPast',
  'waitForPastDependsBeforeSkipping',
] as const satisfies readonly (keyof SerializedTask)[];

function* smallerDags(dag: SerializedDag): Generator<SerializedDag> {
  for (const { taskId } of dag.tasks) if (dag.tasks.length > 1) yield withoutTask(dag, taskId);
  for (const task of dag.tasks) for (const smaller of smallerTasks(dag, task)) yield withTask(dag, smaller);
  for (const group of dag.groups ?? []) {
    if (group.expand === undefined) continue;
    const { expand: _dropped, ...rest } = group;
    yield { ...dag, groups: (dag.groups ?? []).map((other) => (other === group ? rest : other)) };
  }
  const { failFast, ...patient } = dag;
  if (failFast === true) yield patient;
  if (dag.maxActiveRuns < 16) yield { ...dag, maxActiveRuns: 16 };
  if (dag.maxActiveTasks < 16) yield { ...dag, maxActiveTasks: 16 };
}

function* smallerTasks(dag: SerializedDag, task: SerializedTask): Generator<SerializedTask> {
  const isTeardown = task.role === 'teardown';
  for (const option of TASK_OPTIONS) {
    if (task[option] === undefined || (option === 'role' && isTeardown)) continue;
    const { [option]: _dropped, ...rest } = task;
    yield rest;
  }
  if (task.triggerRule !== 'all_success' && !isTeardown) yield { ...task, triggerRule: 'all_success' };
  if (task.retries > 0) yield { ...task, retries: 0 };
  for (const from of task.upstream) {
    if (!isBound(dag, task, from)) yield { ...task, upstream: task.upstream.filter((id) => id !== from) };
  }
}

/** Whether an edge belongs to something else that the task has. */
function isBound(dag: SerializedDag, task: SerializedTask, from: string): boolean {
  if (task.setups?.includes(from) === true) return true;
  const scope = compileGraph(dag).nodes.find((node) => node.task.taskId === task.taskId)?.scope;
  return scope?.sources.some((place) => dag.tasks[place]?.taskId === from) === true;
}

function withTask(dag: SerializedDag, task: SerializedTask): SerializedDag {
  return { ...dag, tasks: dag.tasks.map((other) => (other.taskId === task.taskId ? task : other)) };
}

/** What a task that is gone gave is a list of one element from then on. */
function withoutTask(dag: SerializedDag, taskId: string): SerializedDag {
  const tasks = dag.tasks.flatMap((task): SerializedTask[] => {
    if (task.taskId === taskId) return [];
    const setups = task.setups?.filter((id) => id !== taskId);
    // A teardown of nothing is none.
    if (setups?.length === 0) return [];
    const { [taskId]: _followed, ...followedOn } = task.followedOn ?? {};
    return [
      {
        ...task,
        upstream: task.upstream.filter((id) => id !== taskId),
        ...(setups === undefined ? {} : { setups }),
        ...(task.followedOn === undefined ? {} : { followedOn }),
        ...(task.expand === undefined ? {} : { expand: withoutSource(task.expand, taskId) }),
      },
    ];
  });
  const groups = dag.groups?.map((group) =>
    group.expand === undefined ? group : { ...group, expand: withoutSource(group.expand, taskId) },
  );
  const kept = new Set(tasks.map((task) => task.taskId));
  return {
    ...dag,
    tasks: tasks.map((task) => ({ ...task, upstream: task.upstream.filter((id) => kept.has(id)) })),
    ...(groups === undefined ? {} : { groups }),
  };
}

function withoutSource(expand: SerializedExpansion, taskId: string): SerializedExpansion {
  const replace = (source: MapSource): MapSource => {
    if (source.kind === 'xcom') return source.taskId === taskId ? { kind: 'literal', value: [{}] } : source;
    return source.kind === 'literal' ? source : { ...source, of: source.of.map(replace) };
  };
  if (expand.kind === 'sets') return { ...expand, source: replace(expand.source) };
  return { ...expand, over: expand.over.map(({ name, source }) => ({ name, source: replace(source) })) };
}
