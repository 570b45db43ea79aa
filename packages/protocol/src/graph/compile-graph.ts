import type { MapSource, SerializedExpansion } from '../expansion.ts';
import type { SerializedDag } from '../serialized-dag.ts';
import type { SerializedGroup, SerializedTask } from '../serialized-task.ts';
import { countWeights } from './count-weights.ts';
import { findSetupScopes } from './find-setup-scopes.ts';

/** What is mapped as one: a mapped task, or all tasks of a mapped group. */
export interface MappedScope {
  /** Id of the task or group. */
  readonly id: string;
  readonly kind: 'task' | 'group';
  readonly expansion: SerializedExpansion;
  /** Places of the tasks in it. */
  readonly members: readonly number[];
  /** Places of the tasks whose values it runs over. */
  readonly sources: readonly number[];
}

/** A task with its neighbours, by place in `RunGraph.nodes`. */
export interface GraphNode {
  readonly task: SerializedTask;
  readonly index: number;
  readonly upstream: readonly number[];
  readonly downstream: readonly number[];
  /** What decides how many task instances it has; undefined for one that has a single one. */
  readonly scope: MappedScope | undefined;
  /** Of the upstream: tasks of the same mapped group. A task instance sees the one with its own map index (Airflow's depth-first). */
  readonly inner: readonly number[];
  /** Of the upstream: the others. Every task instance sees all theirs. */
  readonly outer: readonly number[];
  /** Of a teardown: its upstream setups. */
  readonly setups: readonly number[];
  /** Setups further up between whose making and taking away the task works: they must have succeeded. */
  readonly indirectSetups: readonly number[];
  /** What is to be decided again when the task has ended: its downstream, and the work that it is an indirect setup of. */
  readonly dependents: readonly number[];
  /** Whether there is nothing to run: such a task succeeds the moment it is ready. */
  readonly isEmpty: boolean;
  /** Whether its failure fails the run: nothing waits for it but teardowns whose own failure does not matter. */
  readonly isLeaf: boolean;
  /** With the weights of the tasks around it. */
  readonly priority: number;
}

/** One version of a dag, indexed. Immutable, and shared by all runs of the version. */
export interface RunGraph {
  readonly dag: SerializedDag;
  readonly nodes: readonly GraphNode[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly scopes: readonly MappedScope[];
}

/** Indexes a dag. Its definition was checked, so every name resolves; one that does not is left out. */
export function compileGraph(dag: SerializedDag): RunGraph {
  const indexOf = new Map(dag.tasks.map(({ taskId }, index) => [taskId, index]));
  const places = (ids: readonly string[]): number[] => ids.flatMap((id) => indexOf.get(id) ?? []);
  const upstream = dag.tasks.map((task) => places(task.upstream));
  const downstream: number[][] = dag.tasks.map(() => []);
  upstream.forEach((from, index) => {
    for (const place of from) downstream[place]?.push(index);
  });
  const neighbours = { upstream, downstream };
  const scopes = findScopes(dag, places);
  const scopeOf = new Map(scopes.flatMap((scope) => scope.members.map((member) => [member, scope] as const)));
  const weights = countWeights(dag.tasks, neighbours);
  const { indirectSetups, coveredBy } = findSetupScopes(dag.tasks, { ...neighbours, places });
  const nodes = dag.tasks.map((task, index): GraphNode => {
    const above = upstream[index] ?? [];
    const below = downstream[index] ?? [];
    const scope = scopeOf.get(index);
    const isInner = (place: number): boolean => scope?.kind === 'group' && scopeOf.get(place) === scope;
    return {
      task,
      index,
      upstream: above,
      downstream: below,
      scope,
      inner: above.filter((place) => isInner(place)),
      outer: above.filter((place) => !isInner(place)),
      setups: task.role === 'teardown' ? above.filter((place) => dag.tasks[place]?.role === 'setup') : [],
      indirectSetups: indirectSetups.get(index) ?? [],
      dependents: [...new Set([...below, ...(coveredBy.get(index) ?? [])])],
      isEmpty: isEmpty(task),
      isLeaf: !isIgnorable(task) && below.every((place) => isIgnorable(dag.tasks[place])),
      priority: weights[index] ?? 1,
    };
  });
  return { dag, nodes, indexOf, scopes };
}

/** Airflow's EmptyOperator without callbacks, outlets and inlets goes straight to success. */
function isEmpty({ operator, outlets, inlets, callbacks }: SerializedTask): boolean {
  return operator === 'empty' && outlets.length === 0 && (inlets ?? []).length === 0 && (callbacks ?? []).length === 0;
}

function isIgnorable(task: SerializedTask | undefined): boolean {
  return task?.role === 'teardown' && task.failsDagRun !== true;
}

function findScopes(dag: SerializedDag, places: (ids: readonly string[]) => number[]): MappedScope[] {
  const groups = new Map((dag.groups ?? []).map((group) => [group.groupId, group]));
  const byGroup = new Map<string, number[]>();
  const mapped: MappedScope[] = [];
  dag.tasks.forEach((task, index) => {
    if (task.expand !== undefined)
      mapped.push(scopeOf({ id: task.taskId, kind: 'task', expansion: task.expand, members: [index] }, places));
    const group = findMappedGroup(groups, task.groupId);
    if (group !== undefined && task.expand === undefined) byGroup.set(group.groupId, [...(byGroup.get(group.groupId) ?? []), index]);
  });
  for (const [id, members] of byGroup) {
    const expansion = groups.get(id)?.expand;
    if (expansion !== undefined) mapped.push(scopeOf({ id, kind: 'group', expansion, members }, places));
  }
  return mapped;
}

function scopeOf(scope: Omit<MappedScope, 'sources'>, places: (ids: readonly string[]) => number[]): MappedScope {
  const { expansion } = scope;
  const sources = expansion.kind === 'sets' ? [expansion.source] : expansion.over.map(({ source }) => source);
  return { ...scope, sources: [...new Set(places(sources.flatMap((source) => taskIdsOf(source))))] };
}

function taskIdsOf(source: MapSource): string[] {
  switch (source.kind) {
    case 'xcom':
      return [source.taskId];
    case 'literal':
      return [];
    case 'zip':
    case 'concat':
      return source.of.flatMap((inner) => taskIdsOf(inner));
  }
}

function findMappedGroup(groups: ReadonlyMap<string, SerializedGroup>, innermost: string | undefined): SerializedGroup | undefined {
  let group = groups.get(innermost ?? '');
  while (group !== undefined && group.expand === undefined) group = groups.get(group.parentId ?? '');
  return group;
}
