/**
 * What a dag says about its tasks, read off the definition each time that it is asked, by the letter of Airflow's documentation and without any of the engine's indexes: slow, and meant to be
 * obvious.
 */
import type {
  JsonValue,
  MapSource,
  SerializedDag,
  SerializedExpansion,
  SerializedGroup,
  SerializedTask,
  TryDecision,
} from '@tradewind/protocol';

/** What is mapped as one. */
export interface ReferenceScope {
  readonly id: string;
  readonly isGroup: boolean;
  readonly expand: SerializedExpansion;
}

/** The mapped task that it is, or the innermost mapped group around it. */
export function scopeOf(dag: SerializedDag, task: SerializedTask): ReferenceScope | undefined {
  if (task.expand !== undefined) return { id: task.taskId, isGroup: false, expand: task.expand };
  let group = groupCalled(dag, task.groupId);
  while (group !== undefined && group.expand === undefined) group = groupCalled(dag, group.parentId);
  return group?.expand === undefined ? undefined : { id: group.groupId, isGroup: true, expand: group.expand };
}

/** Whether both are inside of the same mapped group, where each map index has a life of its own. */
export function areInSameGroup(dag: SerializedDag, one: SerializedTask, other: SerializedTask): boolean {
  const [scope, otherScope] = [scopeOf(dag, one), scopeOf(dag, other)];
  return scope?.isGroup === true && otherScope?.isGroup === true && scope.id === otherScope.id;
}

/** The tasks directly above. */
export function upstreamOf(dag: SerializedDag, { upstream }: SerializedTask): SerializedTask[] {
  return dag.tasks.filter(({ taskId }) => upstream.includes(taskId));
}

/** The tasks directly below. */
function downstreamOf(dag: SerializedDag, { taskId }: SerializedTask): SerializedTask[] {
  return dag.tasks.filter(({ upstream }) => upstream.includes(taskId));
}

/** Everything below. */
function allDownstreamOf(dag: SerializedDag, task: SerializedTask): Set<SerializedTask> {
  const found = new Set<SerializedTask>();
  const visit = (from: SerializedTask): void => {
    for (const below of downstreamOf(dag, from)) {
      if (found.has(below)) continue;
      found.add(below);
      visit(below);
    }
  };
  visit(task);
  return found;
}

/** The setups further up between whose making and taking away a task works; where nothing takes away what a setup made, everything below works with it. */
export function indirectSetupsOf(dag: SerializedDag, task: SerializedTask): SerializedTask[] {
  if (task.role === 'teardown') return [];
  return dag.tasks.filter((setup) => {
    if (setup.role !== 'setup' || task.upstream.includes(setup.taskId) || !allDownstreamOf(dag, setup).has(task)) return false;
    const teardowns = dag.tasks.filter(({ role, setups }) => role === 'teardown' && setups?.includes(setup.taskId) === true);
    return teardowns.length === 0 || teardowns.some((teardown) => allDownstreamOf(dag, task).has(teardown));
  });
}

/** Whether the end of a task decides how the run ends: nothing but teardowns comes after it, and it is no such teardown itself. */
export function isLeaf(dag: SerializedDag, task: SerializedTask): boolean {
  const isIgnored = ({ role, failsDagRun }: SerializedTask): boolean => role === 'teardown' && failsDagRun !== true;
  return !isIgnored(task) && downstreamOf(dag, task).every((below) => isIgnored(below));
}

/** Whether what a task chose skips another one. */
export function isChosenAgainst(
  dag: SerializedDag,
  { chooser, decision, task }: { readonly chooser: SerializedTask; readonly decision: TryDecision; readonly task: SerializedTask },
): boolean {
  if (task.role === 'teardown') return false;
  const direct = downstreamOf(dag, chooser);
  if (decision.kind !== 'branch') {
    if (decision.goesOn) return false;
    const skipsAll = chooser.decision?.kind === 'short_circuit' && chooser.decision.skips === 'all';
    return skipsAll ? allDownstreamOf(dag, chooser).has(task) : direct.includes(task);
  }
  if (!direct.includes(task)) return false;
  const followed = direct.filter(({ followedOn }) => {
    const labels = followedOn?.[chooser.taskId];
    return labels === undefined || labels.some((label) => decision.follow.includes(label));
  });
  return !followed.includes(task) && !followed.some((other) => allDownstreamOf(dag, other).has(task));
}

/** How many task instances an expansion gives; undefined where what it runs over cannot be mapped. */
export function lengthOf(expand: SerializedExpansion, valueOf: (taskId: string) => JsonValue): number | undefined {
  if (expand.kind === 'sets') {
    const elements = elementsOf(expand.source, valueOf);
    return elements?.every((element) => typeof element === 'object' && element !== null && !Array.isArray(element)) === true
      ? elements.length
      : undefined;
  }
  const lengths = expand.over.map(({ source }) => elementsOf(source, valueOf)?.length);
  return lengths.reduce<number | undefined>(
    (product, length) => (product === undefined || length === undefined ? undefined : product * length),
    1,
  );
}

/** The tasks whose values an expansion runs over. */
export function sourcesOf(dag: SerializedDag, expand: SerializedExpansion): SerializedTask[] {
  const named = (source: MapSource): string[] => {
    if (source.kind === 'xcom') return [source.taskId];
    return source.kind === 'literal' ? [] : source.of.flatMap(named);
  };
  const ids = expand.kind === 'sets' ? named(expand.source) : expand.over.flatMap(({ source }) => named(source));
  return dag.tasks.filter(({ taskId }) => ids.includes(taskId));
}

function elementsOf(source: MapSource, valueOf: (taskId: string) => JsonValue): readonly JsonValue[] | undefined {
  switch (source.kind) {
    case 'xcom':
      return listOf(valueOf(source.taskId));
    case 'literal':
      return listOf(source.value);
    case 'concat': {
      const lists = source.of.map((inner) => elementsOf(inner, valueOf));
      return lists.some((list) => list === undefined) ? undefined : lists.flatMap((list) => list ?? []);
    }
    case 'zip': {
      const lists = source.of.map((inner) => elementsOf(inner, valueOf));
      if (lists.some((list) => list === undefined)) return undefined;
      const lengths = lists.map((list) => list?.length ?? 0);
      const length = 'fillValue' in source ? Math.max(...lengths) : Math.min(...lengths);
      return Array.from({ length }, () => []);
    }
  }
}

/** A list, or the entries of an object. */
export function listOf(value: JsonValue | readonly JsonValue[]): readonly JsonValue[] | undefined {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  return typeof value === 'object' && value !== null ? Object.entries(value).map((entry) => [...entry]) : undefined;
}

function groupCalled({ groups = [] }: SerializedDag, id: string | undefined): SerializedGroup | undefined {
  return groups.find(({ groupId }) => groupId === id);
}
