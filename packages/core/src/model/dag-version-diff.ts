import type { SerializedDag, SerializedTask } from '@tradewind/protocol';

/** What is different between two versions of a dag. Everything is empty where they define the same. */
export interface DagDiff {
  /** Of the dag itself, by the names of the serialized dag: `schedule`, `maxActiveRuns`. */
  readonly options: readonly ValueChange[];
  readonly addedTasks: readonly string[];
  readonly removedTasks: readonly string[];
  readonly changedTasks: readonly TaskChange[];
  readonly addedEdges: readonly Edge[];
  readonly removedEdges: readonly Edge[];
  /** Assets and groups, by their names, beside what tasks say of them. */
  readonly assets: NamedChanges;
  readonly groups: NamedChanges;
}

/** A value before and after; undefined where there is none. */
export interface ValueChange {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What is different about a task that both versions have. */
export interface TaskChange {
  readonly taskId: string;
  readonly options: readonly ValueChange[];
}

/** A task and one that comes after it. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Things that have names of their own. */
export interface NamedChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Told apart by themselves, and no options of the dag. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['schemaVersion', 'dagId', 'tasks', 'assets', 'groups'] satisfies (keyof SerializedDag)[]);
const EDGES: ReadonlySet<string> = new Set(['taskId', 'upstream'] satisfies (keyof SerializedTask)[]);

/** Compares two versions of a dag. The order of tasks, tags' order apart, says nothing and is no difference. */
export function diffDagVersions(before: SerializedDag, after: SerializedDag): DagDiff {
  const tasks = { before: byKey(before.tasks, 'taskId'), after: byKey(after.tasks, 'taskId') };
  const edges = { before: edgesOf(before), after: edgesOf(after) };
  return {
    options: changesOf(before, after, OWN_FIELDS),
    addedTasks: keysOnlyIn(tasks.after, tasks.before),
    removedTasks: keysOnlyIn(tasks.before, tasks.after),
    changedTasks: [...tasks.before].flatMap(([taskId, task]) => taskChange(taskId, task, tasks.after.get(taskId))),
    addedEdges: keysOnlyIn(edges.after, edges.before).flatMap((key) => edges.after.get(key) ?? []),
    removedEdges: keysOnlyIn(edges.before, edges.after).flatMap((key) => edges.before.get(key) ?? []),
    assets: namedChanges(byKey(before.assets, 'name'), byKey(after.assets, 'name')),
    groups: namedChanges(byKey(before.groups ?? [], 'groupId'), byKey(after.groups ?? [], 'groupId')),
  };
}

/** Whether two versions define the same. */
export function isEmptyDiff({ assets, groups, ...lists }: DagDiff): boolean {
  return [lists, assets, groups].every((part) => Object.values(part).every((list: readonly unknown[]) => list.length === 0));
}

function taskChange(taskId: string, before: SerializedTask, after: SerializedTask | undefined): TaskChange[] {
  const options = after === undefined ? [] : changesOf(before, after, EDGES);
  return options.length === 0 ? [] : [{ taskId, options }];
}

function changesOf(before: object, after: object, except: ReadonlySet<string>): ValueChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !except.has(name)).toSorted();
  return names.flatMap((name) => {
    const change = { name, before: (before as Record<string, unknown>)[name], after: (after as Record<string, unknown>)[name] };
    return isSame(change.before, change.after) ? [] : [change];
  });
}

function namedChanges(before: ReadonlyMap<string, object>, after: ReadonlyMap<string, object>): NamedChanges {
  const changed = [...before].filter(([name, value]) => after.has(name) && !isSame(value, after.get(name)));
  return { added: keysOnlyIn(after, before), removed: keysOnlyIn(before, after), changed: changed.map(([name]) => name) };
}

function edgesOf({ tasks }: SerializedDag): Map<string, Edge> {
  const edges = tasks.flatMap(({ taskId, upstream }) => upstream.map((from) => ({ from, to: taskId })));
  return new Map(edges.map((edge) => [JSON.stringify([edge.from, edge.to]), edge]));
}

function byKey<Key extends string, Item extends { readonly [Name in Key]: string }>(items: readonly Item[], key: Key): Map<string, Item> {
  return new Map(items.map((item) => [item[key], item]));
}

function keysOnlyIn(some: ReadonlyMap<string, unknown>, others: ReadonlyMap<string, unknown>): string[] {
  return [...some.keys()].filter((key) => !others.has(key));
}

/** Whether two values are the same as JSON, in whatever order their keys stand. */
function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

function canonicalJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
