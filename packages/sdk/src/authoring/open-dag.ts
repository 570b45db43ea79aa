import type { SerializedGroup, SerializedTask, TaskCallback } from '@tradewind/protocol';
import type { AnyAsset } from './asset.ts';
import type { CheckedCallbacks } from './read-callbacks.ts';
import type { AnyTrigger } from './deferral.ts';
import type { ResumeHandler, TaskHandler } from './definition.ts';
import type { CheckedTaskDefaults } from './read-task-defaults.ts';

/** The functions of a task. */
export interface TaskCode {
  /** Absent where the environment does the task itself. */
  readonly run?: TaskHandler;
  readonly resume?: ResumeHandler;
  readonly triggers?: readonly AnyTrigger[];
}

/** A task as its author wrote it, checked and with its defaults filled in. Edges are added to it while the groups and scopes around it end. */
export interface AuthoredTask {
  readonly taskId: string;
  readonly fields: Omit<SerializedTask, 'upstream' | 'followedOn' | 'outlets' | 'outletAliases' | 'inlets'>;
  readonly upstream: Set<string>;
  /** By task id of a branch, the labels under which the task is followed. */
  readonly followedOn: Map<string, Set<string>>;
  readonly outlets: readonly AnyAsset[];
  /** Names of the aliases among the outlets. */
  readonly outletAliases: readonly string[];
  readonly inlets: readonly AnyAsset[];
  /** Names of the inlets that are references. */
  readonly inletReferences: readonly string[];
  readonly callbacks: CheckedCallbacks<TaskCallback>;
  readonly code: TaskCode;
  /** The mapped group that it is in. */
  readonly mappedGroupId: string | undefined;
}

/** A group as its author wrote it. */
export interface AuthoredGroup {
  readonly groupId: string;
  readonly serialized: SerializedGroup;
  /** Ids of the tasks inside, those of groups inside included. */
  readonly members: Set<string>;
  /** What ids of tasks and groups inside begin with. */
  readonly prefix: string;
}

/** The dag that is being defined, as far as it goes. */
export interface OpenDag {
  readonly dagId: string;
  readonly tasks: Map<string, AuthoredTask>;
  readonly groups: Map<string, AuthoredGroup>;
  /** Every ref that was handed out, with the mapped group inside of which alone it can be named; undefined for those that can be named anywhere. */
  readonly refs: Map<object, string | undefined>;
}

/** Where in the dag something is added. */
export interface Place {
  readonly dag: OpenDag;
  readonly group: AuthoredGroup | undefined;
  /** The mapped group around, however far out. */
  readonly mappedGroup: AuthoredGroup | undefined;
  readonly defaults: CheckedTaskDefaults;
  /** The ids of the tasks in each group and scope around. */
  readonly memberships: readonly Set<string>[];
}

/** Makes an edge hold: the task waits for those above, and is followed under these labels of branches. */
export function addEdges(task: AuthoredTask, { upstream, followedOn }: Edges): void {
  for (const taskId of upstream) task.upstream.add(taskId);
  for (const [branchId, labels] of followedOn) {
    const known = task.followedOn.get(branchId) ?? new Set();
    for (const label of labels) known.add(label);
    task.followedOn.set(branchId, known);
  }
}

/** What something comes after. */
export interface Edges {
  readonly upstream: readonly string[];
  /** By task id of a branch, the labels under which it is followed. */
  readonly followedOn: ReadonlyMap<string, readonly string[]>;
}
