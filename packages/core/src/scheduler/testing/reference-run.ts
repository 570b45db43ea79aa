/**
 * What the rules say of a run as it stands, by the letter and asked anew each time: who waits for whom, what is decided, how many task instances a mapped task must have, how the run ends.
 */
import type { DagRunState, JsonValue, SerializedDag, SerializedTask, TaskInstanceState, TryDecision } from '@tradewind/protocol';
import {
  areInSameGroup,
  indirectSetupsOf,
  isChosenAgainst,
  isLeaf,
  lengthOf,
  scopeOf,
  sourcesOf,
  upstreamOf,
  type ReferenceScope,
} from './reference-dag.ts';
import { referenceReadiness, type Decision } from './reference-rules.ts';

/** A task instance as the database has it. */
export interface ObservedInstance {
  readonly id: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly epoch: number;
  readonly tryNumber: number;
  readonly maxTries: number;
}

/** A run as the database has it. */
export interface ObservedRun {
  readonly state: DagRunState;
  /** The verdict that somebody gave while teardowns still had to run. */
  readonly markedState: 'success' | 'failed' | null;
  /** By id of the mapped task or group. */
  readonly lengths: ReadonlyMap<string, number>;
  readonly instances: readonly ObservedInstance[];
}

/** What is known of a task instance beside its row. */
export interface Facts {
  /** When a rescheduled or deferred try goes on. */
  readonly dueAt?: number;
  /** When a deferral has taken too long. */
  readonly failsAt?: number;
  /** When the next try begins. */
  readonly retryAt?: number;
  readonly decision?: TryDecision;
  readonly value?: JsonValue;
}

/** A run to ask. */
export interface Asked {
  readonly dag: SerializedDag;
  readonly run: ObservedRun;
  /** By id of the task instance. */
  readonly facts: ReadonlyMap<string, Facts>;
}

/** The states that a decision is made from. */
export type View = (instance: ObservedInstance) => TaskInstanceState;

/** How many task instances a mapped task or group must have: `missing` where its lists were never made, `ill` where they are none, undefined where that is not known yet. */
export type ReferenceLength = number | 'ill' | 'missing' | undefined;

/** The states in which a task instance is done. */
export const FINISHED: ReadonlySet<TaskInstanceState> = new Set(['success', 'failed', 'skipped', 'upstream_failed', 'removed']);

/** The task of a task instance. */
export function taskOf(dag: SerializedDag, { taskId }: ObservedInstance): SerializedTask {
  const task = dag.tasks.find((other) => other.taskId === taskId);
  if (task === undefined) throw new Error(`the run has a task instance of "${taskId}", which its dag does not have`);
  return task;
}

/** How people call a task instance. */
export function nameOf({ taskId, mapIndex }: ObservedInstance): string {
  return mapIndex === -1 ? taskId : `${taskId}[${mapIndex}]`;
}

/** What the rules say of a task instance of which nothing is decided, if the others were in these states. */
export function decide(asked: Asked, instance: ObservedInstance, view: View): Decision {
  const { dag } = asked;
  const task = taskOf(dag, instance);
  if (choosersAgainst(asked, instance).some((chooser) => view(chooser) === 'success')) return 'skipped';
  const setups = indirectSetupsOf(dag, task).flatMap((setup) => relevantTo(asked, instance, setup).map((above) => view(above)));
  if (setups.some((state) => state === 'failed' || state === 'upstream_failed')) return 'upstream_failed';
  if (setups.includes('skipped')) return 'skipped';
  if (setups.some((state) => !FINISHED.has(state))) return 'wait';
  const above = upstreamOf(dag, task).map((from) => ({ from, states: relevantTo(asked, instance, from).map((other) => view(other)) }));
  const direct = above.filter(({ from }) => from.role === 'setup').flatMap(({ states }) => states);
  return referenceReadiness(
    task.triggerRule,
    above.flatMap(({ states }) => states),
    direct,
  );
}

/** The task instances whose states decide about one. */
export function decisiveFor(asked: Asked, instance: ObservedInstance): ObservedInstance[] {
  const task = taskOf(asked.dag, instance);
  const above = [...upstreamOf(asked.dag, task), ...indirectSetupsOf(asked.dag, task)].flatMap((from) => relevantTo(asked, instance, from));
  return [...new Set([...above, ...choosersAgainst(asked, instance)])];
}

/** How many task instances a scope must have. */
export function lengthOfScope({ dag, run, facts }: Asked, { expand }: ReferenceScope): ReferenceLength {
  const ends = sourcesOf(dag, expand).map((source) => ({ source, instances: instancesOf(run, source) }));
  if (!ends.every(({ instances }) => instances.every(({ state }) => FINISHED.has(state)))) return undefined;
  if (!ends.every(({ instances }) => instances.some(({ state }) => state === 'success'))) return 'missing';
  const valueOf = (taskId: string): JsonValue => {
    const end = ends.find(({ source }) => source.taskId === taskId);
    const values = (end?.instances ?? []).filter(({ state }) => state === 'success').map(({ id }) => facts.get(id)?.value ?? null);
    return end === undefined || scopeOf(dag, end.source) === undefined ? (values[0] ?? null) : values;
  };
  return lengthOf(expand, valueOf) ?? 'ill';
}

/**
 * What is wrong with the state of the run itself.
 * @param before the run before the step: how it ended is looked at when it does, and somebody may have said it beforehand
 */
export function checkRunState({ dag, run: { state, instances } }: Asked, before: Pick<ObservedRun, 'state' | 'markedState'>): string[] {
  const unfinished = instances.filter((instance) => !FINISHED.has(instance.state));
  const hasEnded = state === 'success' || state === 'failed';
  if (state === 'queued') return unfinished.some((instance) => instance.state !== 'none') ? ['a queued run works'] : [];
  if (hasEnded && unfinished.length > 0) return [`the run is ${state} while ${unfinished.map(nameOf).join(', ')} have not ended`];
  if (!hasEnded) return instances.length > 0 && unfinished.length === 0 ? ['the run goes on with nothing left to do'] : [];
  if (before.state === state) return [];
  const isFailure = (instance: ObservedInstance): boolean => instance.state === 'failed' || instance.state === 'upstream_failed';
  const told = instances.some((instance) => isFailure(instance) && isLeaf(dag, taskOf(dag, instance))) ? 'failed' : 'success';
  const verdict = before.markedState ?? told;
  return verdict === state ? [] : [`the run is ${state}, and ought to be ${verdict}`];
}

/** What is wrong with the number of task instances of a task. */
export function checkMapIndexes({ dag, run }: Asked, task: SerializedTask): string[] {
  // A run that somebody ended before it was started never had any.
  if (run.state !== 'running' && run.instances.length === 0) return [];
  const scope = scopeOf(dag, task);
  const own = instancesOf(run, task);
  const indexes = own.map(({ mapIndex }) => mapIndex);
  const text = `${task.taskId} has the map indexes ${indexes.join(', ')}`;
  if (scope === undefined) return indexes.length === 1 && indexes[0] === -1 ? [] : [text];
  if (new Set(indexes).size !== indexes.length || indexes.length === 0) return [text];
  const length = run.lengths.get(scope.id);
  if (indexes.includes(-1)) return standsForAll(own, length) ? [] : [text];
  const hasAll = Array.from({ length: length ?? 0 }, (_, index) => index).every((index) => indexes.includes(index));
  return hasAll ? [] : [`${text}, not ${length} of them`];
}

/** Whether there is one task instance, of which it is not known how many there will be, or which ended before it was: it has ended for all of them. */
function standsForAll(own: readonly ObservedInstance[], length: number | undefined): boolean {
  const [only, ...others] = own;
  return only !== undefined && others.length === 0 && (length === undefined || FINISHED.has(only.state));
}

/** The task instances of a task, in order. */
function instancesOf({ instances }: ObservedRun, { taskId }: SerializedTask): ObservedInstance[] {
  return instances.filter((instance) => instance.taskId === taskId).toSorted((one, other) => one.mapIndex - other.mapIndex);
}

/** Those of a task's instances that one of another task waits for: in the same mapped group the one with its own map index. */
function relevantTo({ dag, run }: Asked, instance: ObservedInstance, of: SerializedTask): ObservedInstance[] {
  const all = instancesOf(run, of);
  if (!areInSameGroup(dag, of, taskOf(dag, instance)) || all[0]?.mapIndex === -1) return all;
  return all.filter(({ mapIndex }) => mapIndex === Math.max(0, instance.mapIndex));
}

/** The task instances that chose against this one, if they succeeded. */
function choosersAgainst(asked: Asked, instance: ObservedInstance): ObservedInstance[] {
  const { dag, facts } = asked;
  const task = taskOf(dag, instance);
  return dag.tasks.flatMap((chooser) => {
    if (chooser.decision === undefined) return [];
    // A choice inside of a mapped group is about its own map index, and about nothing outside.
    if (scopeOf(dag, chooser)?.isGroup === true && !areInSameGroup(dag, chooser, task)) return [];
    return relevantTo(asked, instance, chooser).filter(({ id }) => {
      const decision = facts.get(id)?.decision;
      return decision !== undefined && isChosenAgainst(dag, { chooser, decision, task });
    });
  });
}
