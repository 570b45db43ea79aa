import {
  TRIGGER_RULES,
  type MapSource,
  type SerializedDag,
  type SerializedDecision,
  type SerializedExpansion,
  type SerializedGroup,
  type SerializedTask,
  type TriggerRule,
} from '@tradewind/protocol';
import type { Chance } from './chance.ts';

/** Slots of the pools that drawn tasks use. */
export const DRAWN_POOLS: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 };

/** The longest list that a drawn task returns. */
const LONGEST_LIST = 5;
/** Lists of lists of lists say nothing that shorter ones do not: no mapped task may become longer. */
const MOST_INSTANCES = 30;

/** What a drawn dag may have. */
export interface DagShape {
  readonly dagId: string;
  readonly mostTasks: number;
  /** Whether tasks may depend on earlier runs. */
  readonly hasPast: boolean;
}

interface Drawing {
  readonly chance: Chance;
  /** By task id, how many task instances it may have at most. */
  readonly mostInstances: Map<string, number>;
  readonly tasks: SerializedTask[];
  readonly groups: SerializedGroup[];
  readonly isFailFast: boolean;
  readonly hasPast: boolean;
  readonly hasLimits: boolean;
  readonly mostTasks: number;
}

interface Place {
  readonly groupId: string | undefined;
  readonly isMapped: boolean;
  /** How many task instances its tasks may have; undefined outside of mapped groups. */
  readonly most: number | undefined;
  /** Tasks that the first tasks of the group must wait for: those behind its expansion. */
  readonly sources: readonly string[];
  readonly depth: number;
}

/**
 * Draws a dag that an author could have written: any shape, rule and limit, groups in groups, mapped tasks and groups, branches, short circuits, setups with and without teardowns.
 * A task may wait for any task before it.
 */
export function drawDag(chance: Chance, { dagId, mostTasks, hasPast }: DagShape): SerializedDag {
  const isFailFast = chance.happens(0.08);
  const drawing: Drawing = {
    chance,
    mostInstances: new Map(),
    tasks: [],
    groups: [],
    isFailFast,
    hasPast,
    hasLimits: chance.happens(0.5),
    mostTasks: chance.between(1, mostTasks),
  };
  const top: Place = { groupId: undefined, isMapped: false, most: undefined, sources: [], depth: 0 };
  while (drawing.tasks.length < drawing.mostTasks) drawItem(drawing, top, 0);
  return {
    schemaVersion: 1,
    dagId,
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: chance.pick([1, 2, 16]),
    maxActiveTasks: chance.pick([1, 2, 4, 16]),
    ...(isFailFast ? { failFast: true } : {}),
    tasks: drawing.tasks,
    ...(drawing.groups.length > 0 ? { groups: drawing.groups } : {}),
    assets: [],
  };
}

function drawItem(drawing: Drawing, place: Place, first: number): void {
  const { chance } = drawing;
  if (place.depth < 2 && chance.happens(0.15)) drawGroup(drawing, place);
  else if (chance.happens(0.12) && drawing.tasks.slice(first).some(({ role }) => role === 'setup')) drawTeardown(drawing, place, first);
  else drawing.tasks.push(drawTask(drawing, place, first));
}

function drawGroup(drawing: Drawing, around: Place): void {
  const { chance, groups, tasks } = drawing;
  const groupId = `group_${groups.length}`;
  const expansion = !around.isMapped && chance.happens(0.6) ? drawExpansion(drawing) : undefined;
  groups.push({
    groupId,
    ...(around.groupId === undefined ? {} : { parentId: around.groupId }),
    ...(expansion === undefined ? {} : { expand: expansion.expand }),
  });
  const place = {
    groupId,
    isMapped: around.isMapped || expansion !== undefined,
    most: expansion?.most ?? around.most,
    sources: expansion?.sources ?? around.sources,
    depth: around.depth + 1,
  };
  const first = tasks.length;
  for (let left = chance.between(1, 3); left > 0; left -= 1) drawItem(drawing, place, first);
}

/** A task of a mapped group waits for what the group runs over, directly or through tasks of the group. */
function drawTask(drawing: Drawing, place: Place, first: number): SerializedTask {
  const { chance, tasks, isFailFast } = drawing;
  const taskId = `task_${tasks.length}`;
  const upstream = drawUpstream(chance, tasks);
  const isRoot = !upstream.some((id) => tasks.findIndex((task) => task.taskId === id) >= first);
  const mapping = !place.isMapped && chance.happens(0.18) ? drawExpansion(drawing) : undefined;
  const most = mapping?.most ?? place.most;
  if (most !== undefined) drawing.mostInstances.set(taskId, most);
  const all = [...new Set([...upstream, ...(isRoot ? place.sources : []), ...(mapping?.sources ?? [])])];
  return {
    taskId,
    operator: 'function',
    ...(place.groupId === undefined ? {} : { groupId: place.groupId }),
    inputs: {},
    upstream: all,
    triggerRule: isFailFast ? 'all_success' : drawRule(chance, place),
    ...(mapping === undefined ? drawKind(chance) : { expand: mapping.expand }),
    ...drawFollowing(chance, tasks, all),
    ...drawOptions(drawing),
    isolation: 'warm',
    outlets: [],
  };
}

function drawKind(chance: Chance): Partial<SerializedTask> {
  const decision = drawDecision(chance);
  if (decision !== undefined) return { decision };
  if (chance.happens(0.12)) return { role: 'setup' };
  return chance.happens(0.12) ? { operator: 'empty' } : {};
}

function drawTeardown(drawing: Drawing, place: Place, first: number): void {
  const { chance, tasks } = drawing;
  const candidates = tasks.slice(first).filter(({ role }) => role === 'setup');
  const chosen = candidates.filter(() => chance.happens(0.6));
  const setups = (chosen.length === 0 ? candidates.slice(0, 1) : chosen).map(({ taskId }) => taskId);
  const upstream = [...new Set([...setups, ...drawUpstream(chance, tasks)])];
  if (place.most !== undefined) drawing.mostInstances.set(`task_${tasks.length}`, place.most);
  tasks.push({
    taskId: `task_${tasks.length}`,
    operator: 'function',
    ...(place.groupId === undefined ? {} : { groupId: place.groupId }),
    inputs: {},
    upstream,
    triggerRule: 'all_done_setup_success',
    role: 'teardown',
    setups,
    ...(chance.happens(0.3) ? { failsDagRun: true as const } : {}),
    retries: chance.pick([0, 1]),
    retryDelayMs: 0,
    isolation: 'warm',
    outlets: [],
  });
}

function drawUpstream(chance: Chance, tasks: readonly SerializedTask[]): string[] {
  return tasks.filter((_, index) => chance.happens(index >= tasks.length - 2 ? 0.45 : 0.2)).map(({ taskId }) => taskId);
}

function drawRule(chance: Chance, { isMapped }: Place): TriggerRule {
  if (chance.happens(0.55)) return 'all_success';
  const rule = chance.pick(TRIGGER_RULES);
  if (rule === 'all_done_setup_success' || (rule === 'always' && isMapped)) return 'all_done';
  return rule;
}

function drawDecision(chance: Chance): SerializedDecision | undefined {
  if (chance.happens(0.1)) return { kind: 'branch', choices: ['left', 'right'] };
  if (chance.happens(0.06)) return { kind: 'short_circuit', skips: chance.pick(['all', 'direct']) };
  return chance.happens(0.02) ? { kind: 'latest_only' } : undefined;
}

function drawFollowing(chance: Chance, tasks: readonly SerializedTask[], upstream: readonly string[]): Pick<SerializedTask, 'followedOn'> {
  const branches = tasks.filter(({ taskId, decision }) => decision?.kind === 'branch' && upstream.includes(taskId));
  const followed = branches.filter(() => chance.happens(0.8));
  if (followed.length === 0) return {};
  const labels = (): string[] => chance.pick([['left'], ['right'], ['left', 'right']]);
  return { followedOn: Object.fromEntries(followed.map(({ taskId }) => [taskId, labels()])) };
}

function drawOptions({ chance, hasLimits, hasPast }: Drawing): Pick<SerializedTask, 'retries' | 'retryDelayMs'> & Partial<SerializedTask> {
  const retries = { retries: chance.pick([0, 0, 1, 2]), retryDelayMs: chance.pick([0, 1_000]) };
  return { ...retries, ...(hasLimits ? drawLimits(chance) : {}), ...(hasPast ? drawPast(chance) : {}) };
}

function drawLimits(chance: Chance): Partial<SerializedTask> {
  return {
    ...(chance.happens(0.4) ? { pool: chance.pick(['one', 'two', 'three']) } : {}),
    ...(chance.happens(0.1) ? { pool: 'three', poolSlots: 2 } : {}),
    ...(chance.happens(0.2) ? { maxActiveTisPerDag: chance.between(1, 2) } : {}),
    ...(chance.happens(0.2) ? { maxActiveTisPerDagrun: chance.between(1, 2) } : {}),
    ...(chance.happens(0.2)
      ? { priorityWeight: chance.between(1, 5), weightRule: chance.pick(['absolute', 'upstream', 'downstream']) }
      : {}),
  };
}

function drawPast(chance: Chance): Partial<SerializedTask> {
  if (chance.happens(0.6)) return {};
  return {
    ...(chance.happens(0.7) ? { dependsOnPast: true } : { waitForDownstream: true }),
    ...(chance.happens(0.2) ? { ignoreFirstDependsOnPast: true } : {}),
    ...(chance.happens(0.3) ? { waitForPastDependsBeforeSkipping: true } : {}),
  };
}

interface DrawnExpansion {
  readonly expand: SerializedExpansion;
  /** The tasks whose values it runs over. */
  readonly sources: readonly string[];
  /** How many task instances it may give at most. */
  readonly most: number;
}

function drawExpansion(drawing: Drawing): DrawnExpansion {
  const drawn = drawAnyExpansion(drawing);
  const sources = drawn.kind === 'sets' ? [drawn.source] : drawn.over.map(({ source }) => source);
  const most = sources.reduce((product, source) => product * longestOf(drawing, source), 1);
  const expand = most > MOST_INSTANCES ? SHORT : drawn;
  return { expand, sources: expand === SHORT ? [] : [...new Set(sources.flatMap(sourceIds))], most: Math.min(most, MOST_INSTANCES) };
}

const SHORT: SerializedExpansion = { kind: 'sets', source: { kind: 'literal', value: [{}, {}] } };

function drawAnyExpansion(drawing: Drawing): SerializedExpansion {
  const { chance } = drawing;
  if (chance.happens(0.3)) return { kind: 'sets', source: drawSource(drawing, 0) };
  return {
    kind: 'product',
    over: ['one', 'two'].slice(0, chance.pick([1, 1, 2])).map((name) => ({ name, source: drawSource(drawing, 0) })),
  };
}

function longestOf(drawing: Drawing, source: MapSource): number {
  switch (source.kind) {
    case 'xcom':
      return drawing.mostInstances.get(source.taskId) ?? LONGEST_LIST;
    case 'literal':
      return Object.keys(source.value).length;
    case 'zip':
      return Math.max(...source.of.map((inner) => longestOf(drawing, inner)));
    case 'concat':
      return source.of.reduce((sum, inner) => sum + longestOf(drawing, inner), 0);
  }
}

function drawSource(drawing: Drawing, depth: number): MapSource {
  const { chance, tasks } = drawing;
  const [first, ...rest] = tasks.filter(({ operator, decision }) => operator === 'function' && decision === undefined);
  if (depth === 0 && chance.happens(0.15)) {
    const of = [drawSource(drawing, 1), drawSource(drawing, 1)];
    if (chance.happens(0.5)) return { kind: 'concat', of };
    return { kind: 'zip', of, ...(chance.happens(0.5) ? { fillValue: null } : {}) };
  }
  if (first !== undefined && chance.happens(0.75)) return { kind: 'xcom', taskId: chance.pick([first, ...rest]).taskId };
  const elements = Array.from({ length: chance.between(0, 3) }, () => ({}));
  return { kind: 'literal', value: chance.happens(0.15) ? { a: 1, b: 2 } : elements };
}

/** The tasks whose values a source is made of. */
export function sourceIds(source: MapSource): string[] {
  if (source.kind === 'xcom') return [source.taskId];
  return source.kind === 'literal' ? [] : source.of.flatMap((inner) => sourceIds(inner));
}
