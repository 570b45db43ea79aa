import {
  decodeJson,
  isFinishedTaskInstanceState,
  type Deferral,
  type GraphNode,
  type JsonObject,
  type TriggeringEvent,
  type TryDecision,
} from '@tradewind/protocol';
import type { DagGraph } from '../model/dag-graph.ts';
import type { ActiveDagRun } from '../store/transitions/start-dag-runs.ts';
import type { StoredTaskInstance } from '../store/active-runs.ts';
import { markSkippedByChoice } from './apply-choice.ts';
import {
  isOccupying,
  relevantInstances,
  standsForAll,
  type ActiveNode,
  type ActiveRun,
  type ActiveScope,
  type ActiveTask,
  type EndCounts,
} from './run-state.ts';

/** What a run is made of when a scheduler takes it. */
export interface ActiveRunParts {
  readonly row: ActiveDagRun;
  readonly graph: DagGraph;
  readonly params: JsonObject;
  readonly events: readonly TriggeringEvent[];
  /** The task instances that exist; those missing are created with ids from `newId`. */
  readonly stored: readonly StoredTaskInstance[];
  /** By id of the mapped task or group: how many task instances it was expanded to. */
  readonly lengths: ReadonlyMap<string, number>;
  /** By task id: why a task must not start. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly newId: () => string;
}

/** Builds a run from what is stored, and counts for each task how its upstream stands. Decides nothing. */
export function createActiveRun(parts: ActiveRunParts): ActiveRun {
  const { row, graph, params, events, lengths, refusals } = parts;
  const scopes = graph.scopes.map((scope): ActiveScope => ({
    graph: scope,
    length: lengths.get(scope.id),
    sources: undefined,
    waiting: new Set(),
  }));
  const stored = groupByTask(parts.stored);
  const nodes = graph.nodes.map((node): ActiveNode => ({
    graph: node,
    instances: [],
    scope: scopes.find(({ graph: scope }) => scope === node.scope),
    outer: noEnds(),
    occupied: 0,
    parked: [],
  }));
  const run: ActiveRun = {
    row,
    graph,
    params,
    events,
    refusals,
    nodes,
    scopes,
    pending: [],
    unfinished: 0,
    occupied: 0,
    ready: new Map(),
    waitingForPast: new Set(),
    isFinishing: false,
    isPaused: false,
  };
  for (const node of nodes) fillNode(run, node, { stored: stored.get(node.graph.task.taskId) ?? [], newId: parts.newId });
  for (const node of nodes) countUpstream(run, node);
  for (const node of nodes) for (const task of node.instances) if (task.state === 'success') markSkippedByChoice(run, task);
  return run;
}

/** A task instance that does not exist yet. */
export function newTask(node: ActiveNode, id: string, mapIndex: number): ActiveTask {
  const isGrouped = node.scope?.graph.kind === 'group';
  return {
    id,
    node,
    mapIndex,
    isStored: false,
    state: 'none',
    epoch: 0,
    tryNumber: 0,
    maxTries: node.graph.task.retries + 1,
    losses: 0,
    reschedules: 0,
    retryAt: null,
    startedAt: null,
    firstStartedAt: null,
    mapIndexLabel: null,
    decision: null,
    deferral: null,
    resumption: null,
    inner: isGrouped ? noEnds() : undefined,
    isSkippedByChoice: false,
    isPastMet: false,
    valueJson: undefined,
  };
}

/** Counts how the upstream inside its own mapped group ended for a task instance. */
export function countInner(run: ActiveRun, task: ActiveTask): void {
  const { inner, node } = task;
  if (inner === undefined) return;
  Object.assign(inner, noEnds());
  for (const place of node.graph.inner) {
    const from = run.nodes[place];
    if (from !== undefined) for (const upstream of relevantInstances(from, task)) count(inner, upstream);
  }
}

function countUpstream(run: ActiveRun, node: ActiveNode): void {
  for (const place of node.graph.outer) for (const upstream of run.nodes[place]?.instances ?? []) count(node.outer, upstream);
  for (const task of node.instances) countInner(run, task);
}

function count(counts: EndCounts, { state }: ActiveTask): void {
  counts.total += 1;
  if (isFinishedTaskInstanceState(state)) counts[state] += 1;
}

function noEnds(): EndCounts {
  return { total: 0, success: 0, failed: 0, skipped: 0, upstream_failed: 0, removed: 0 };
}

function fillNode(
  run: ActiveRun,
  node: ActiveNode,
  { stored, newId }: { stored: readonly StoredTaskInstance[]; newId: () => string },
): void {
  const length = node.scope?.length ?? 0;
  node.instances.push(...stored.map((instance) => readTask(node, instance)));
  if (node.instances.length === 0) node.instances.push(newTask(node, newId(), length > 0 ? 0 : -1));
  if (!standsForAll(node))
    for (let index = node.instances.length; index < length; index += 1) node.instances.push(newTask(node, newId(), index));
  for (const task of node.instances) if (!task.isStored) run.pending.push(task);
  for (const task of node.instances) {
    if (!isFinishedTaskInstanceState(task.state)) run.unfinished += 1;
    if (isOccupying(task)) {
      run.occupied += 1;
      node.occupied += 1;
    }
  }
}

function readTask(node: ActiveNode, stored: StoredTaskInstance): ActiveTask {
  const { state, epoch, tryNumber, maxTries, losses, reschedules, retryAt, startedAt, firstStartedAt, mapIndexLabel } = stored;
  return {
    ...newTask(node, stored.id, stored.mapIndex),
    isStored: true,
    state,
    epoch,
    tryNumber,
    maxTries,
    losses,
    reschedules,
    retryAt,
    startedAt,
    firstStartedAt,
    mapIndexLabel,
    decision: stored.decision === null ? null : (decodeJson(stored.decision) as unknown as TryDecision),
    deferral: stored.deferral === null ? null : (decodeJson(stored.deferral) as unknown as Deferral),
    resumption: stored.resumption,
  };
}

function groupByTask(stored: readonly StoredTaskInstance[]): Map<string, StoredTaskInstance[]> {
  const byTask = new Map<string, StoredTaskInstance[]>();
  for (const instance of stored.toSorted((one, other) => one.mapIndex - other.mapIndex)) {
    const list = byTask.get(instance.taskId);
    if (list === undefined) byTask.set(instance.taskId, [instance]);
    else list.push(instance);
  }
  return byTask;
}

/** What a new row says of a task. */
export function rowOfNewTask(run: ActiveRun, { id, mapIndex, maxTries, node }: ActiveTask) {
  const { task, priority }: GraphNode = node.graph;
  return {
    id,
    dagRunId: run.row.id,
    taskId: task.taskId,
    mapIndex,
    maxTries,
    operator: task.operator,
    pool: task.pool ?? 'default_pool',
    poolSlots: task.poolSlots ?? 1,
    priorityWeight: priority,
    queue: task.queue ?? 'default',
  };
}
