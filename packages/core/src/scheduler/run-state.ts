import type {
  Deferral,
  ExpandedSources,
  FinishedTaskInstanceState,
  GraphNode,
  JsonObject,
  MappedScope,
  TaskInstanceState,
  TriggeringEvent,
  TryDecision,
} from '@tradewind/protocol';
import type { DagGraph } from '../model/dag-graph.ts';
import type { ActiveDagRun } from '../store/transitions/start-dag-runs.ts';

/** How many task instances upstream of another have ended in each way: the readiness counter. */
export type EndCounts = { total: number } & Record<FinishedTaskInstanceState, number>;

/** A task instance of an active run. */
export interface ActiveTask {
  readonly id: string;
  readonly node: ActiveNode;
  /** -1 for the only one of its task, and for the one that stands for a mapped task until that is expanded. */
  mapIndex: number;
  /** Whether it has a row, or gets one in this tick. */
  isStored: boolean;
  state: TaskInstanceState;
  epoch: number;
  tryNumber: number;
  maxTries: number;
  losses: number;
  reschedules: number;
  retryAt: number | null;
  /** When the current try entered the author's function. */
  startedAt: number | null;
  /** When the first one did since it was last cleared. */
  firstStartedAt: number | null;
  mapIndexLabel: string | null;
  decision: TryDecision | null;
  deferral: Deferral | null;
  /** JSON text of what it was deferred for and has happened. */
  resumption: string | null;
  /** How the upstream with its own map index ended; undefined outside of mapped groups. */
  readonly inner: EndCounts | undefined;
  /** Whether a branch or a short circuit above it chose against it. */
  isSkippedByChoice: boolean;
  /** Whether what it asks of earlier runs is known to hold. */
  isPastMet: boolean;
  /** JSON text of what it returned, where that is small enough to keep for the tasks that follow. */
  valueJson: string | undefined;
}

/** A task of an active run with its task instances. */
export interface ActiveNode {
  readonly graph: GraphNode;
  /** By map index. Until a mapped task is expanded one stands for all, or those of an earlier expansion wait to be told whether they are needed again. */
  readonly instances: ActiveTask[];
  readonly scope: ActiveScope | undefined;
  /** How the upstream ended that all task instances share. */
  readonly outer: EndCounts;
  /** Task instances that are queued or running. */
  occupied: number;
  /** Scheduled task instances that wait because of the task's own limit in a run. */
  readonly parked: ActiveTask[];
}

/** A mapped task or group of an active run. */
export interface ActiveScope {
  readonly graph: MappedScope;
  /** Undefined until it is expanded. */
  length: number | undefined;
  /** What it runs over; undefined where it has to be read (again). */
  sources: (ExpandedSources & { readonly ok: true }) | undefined;
  /** Task instances that are ready and wait for the expansion. */
  readonly waiting: Set<ActiveTask>;
}

/** Scheduled task instances of a run that want slots of the same pool with the same priority, oldest first. */
export interface ReadyList {
  readonly run: ActiveRun;
  readonly pool: string;
  readonly priority: number;
  readonly tasks: ActiveTask[];
  /** Whether it stands in the scheduler's line for slots. */
  isInLine: boolean;
}

/** A run with its task instances. */
export interface ActiveRun {
  readonly row: ActiveDagRun;
  readonly graph: DagGraph;
  readonly params: JsonObject;
  readonly events: readonly TriggeringEvent[];
  /** By task id: why a task must not start, such as an outlet that another dag describes otherwise. */
  readonly refusals: ReadonlyMap<string, string>;
  /** By place in the graph. */
  readonly nodes: readonly ActiveNode[];
  readonly scopes: readonly ActiveScope[];
  /** Task instances that have no row yet, in the order in which they get one. */
  readonly pending: ActiveTask[];
  /** Task instances that have not ended. */
  unfinished: number;
  /** Task instances that are queued or running: they count against `max_active_tasks`. */
  occupied: number;
  readonly ready: Map<string, ReadyList>;
  /** Task instances that are ready and wait for earlier runs. */
  readonly waitingForPast: Set<ActiveTask>;
  /** Whether the end of the run has been decided. */
  isFinishing: boolean;
  /** Whether the dag turned out to be paused when a task should have been queued. */
  isPaused: boolean;
}

/** Every task instance of a run. */
export function* tasksOf(run: ActiveRun): Generator<ActiveTask> {
  for (const { instances } of run.nodes) yield* instances;
}

/** Whether it is not known yet how many task instances a mapped task has. */
export function isUnexpanded({ scope }: ActiveNode): boolean {
  return scope !== undefined && scope.length === undefined;
}

/**
 * The task instances of a task that another task instance depends on: with the same map index inside a mapped group, all of them elsewhere. One that ended before its group was
 * expanded stands for every index.
 */
export function relevantInstances(of: ActiveNode, task: ActiveTask): readonly ActiveTask[] {
  const isSameGroup = of.scope !== undefined && of.scope === task.node.scope && of.scope.graph.kind === 'group';
  if (!isSameGroup) return of.instances;
  const same = standsForAll(of) ? of.instances[0] : of.instances[Math.max(0, task.mapIndex)];
  return same === undefined ? [] : [same];
}

/** Whether a task has one task instance without a map index: it is not mapped, was not expanded yet, or ended before it was. */
export function standsForAll({ instances }: ActiveNode): boolean {
  return instances[0]?.mapIndex === -1;
}

/** Whether a task instance takes slots: its code runs, or is about to. */
export function isOccupying({ state }: ActiveTask): boolean {
  return state === 'queued' || state === 'running' || state === 'restarting';
}
