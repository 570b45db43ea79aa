import type { StartFromTrigger } from './deferral.ts';
import type { SerializedExpansion } from './expansion.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { TriggerRule } from './trigger-rule.ts';

/** Airflow's defaults, which are ours. */
export const DEFAULT_RETRY_DELAY_MS = 300_000;
export const DEFAULT_POOL = 'default_pool';
export const DEFAULT_QUEUE = 'default';
export const DEFAULT_SENSOR_POKE_INTERVAL_MS = 60_000;
export const DEFAULT_SENSOR_TIMEOUT_MS = 604_800_000;

/** What one input of a task is bound to. */
export type InputBinding =
  /** The value of another task; of a mapped task outside of the reader's own mapped group, the list of its values. */
  | { readonly kind: 'xcom'; readonly taskId: string }
  | { readonly kind: 'literal'; readonly value: JsonValue }
  /** What the mapped group around the task is given under this name. */
  | { readonly kind: 'expanded'; readonly name: string };

/** How much of a process a try shares with others: `warm` children run one try after the other, `process` is a fresh one for each. */
export type Isolation = 'warm' | 'process';

/** What a task is to its dag: `setup` and `teardown` make and take away what work tasks need. Without a role a task is work. */
export type TaskRole = 'setup' | 'teardown';

/** What the scheduler does with the choice that a task makes. */
export type SerializedDecision =
  /** The task returns which of these labels are followed; a direct downstream task that is under none of them is skipped. */
  | { readonly kind: 'branch'; readonly choices: readonly string[] }
  /** The task says whether to go on; if not, `all` downstream tasks are skipped whatever their trigger rules, or the `direct` ones. */
  | { readonly kind: 'short_circuit'; readonly skips: 'all' | 'direct' }
  /** Made by the scheduler itself: goes on in the newest scheduled run, and in manual ones. */
  | { readonly kind: 'latest_only' };

/** How a sensor asks. Times are milliseconds. */
export interface SerializedSensor {
  /** `poke` keeps its slot between two pokes, `reschedule` gives it back. */
  readonly mode: 'poke' | 'reschedule';
  readonly pokeIntervalMs: number;
  /** From the first poke on, over reschedules and retries. */
  readonly timeoutMs: number;
  /** `fail` is a failure without retry; `soft` skips on a timeout or failure, `never` on any error, `silent` pokes again after an error. */
  readonly onFailure: 'fail' | 'soft' | 'never' | 'silent';
  readonly exponentialBackoff?: true;
  /** Longest wait between two pokes. */
  readonly maxWaitMs?: number;
}

/** A run of another dag that a task starts. What varies from run to run is in the task's inputs. */
export interface SerializedTriggerDagRun {
  readonly dagId: string;
  /** Whether the task ends only when the run has; it waits without a slot. */
  readonly waitForCompletion: boolean;
  /** Where the run exists already: fail, clear it and run it again, or skip. */
  readonly onExisting: 'fail' | 'reset' | 'skip';
  readonly failWhenDagIsPaused: boolean;
  readonly allowedStates: readonly ('success' | 'failed')[];
  readonly failedStates: readonly ('success' | 'failed')[];
}

/** The author's functions that are called when a task instance gets somewhere; they run in a process of their own. */
export const TASK_CALLBACKS = ['execute', 'success', 'failure', 'retry', 'skipped'] as const;
/** When a callback of a task is called. */
export type TaskCallback = (typeof TASK_CALLBACKS)[number];

/** How the weights of the tasks around it enter into a task's priority. */
export type WeightRule = 'downstream' | 'upstream' | 'absolute';

/** A task as the scheduler sees it: everything but its code. A field that is absent has Airflow's default. */
export interface SerializedTask {
  readonly taskId: string;
  /** Which operator made it: `function`, `bash`, `empty`, or the name of a provider's. */
  readonly operator: string;
  readonly displayName?: string;
  readonly doc?: string;
  /** The innermost group that it is in. */
  readonly groupId?: string;
  readonly inputs: Readonly<Record<string, InputBinding>>;
  /** Every task that must end first, those behind inputs and expansions included. Groups are resolved: their leaves stand here. */
  readonly upstream: readonly string[];
  readonly triggerRule: TriggerRule;
  /** Makes it a mapped task. */
  readonly expand?: SerializedExpansion;
  /** Template of the name that a task instance is shown by in place of its map index. */
  readonly mapIndexTemplate?: string;
  readonly role?: TaskRole;
  /** Of a teardown: the setups whose work it takes away. */
  readonly setups?: readonly string[];
  /** Of a teardown: whether its failure fails the run. */
  readonly failsDagRun?: true;
  readonly decision?: SerializedDecision;
  /** Of a task below a branch: by task id of the branch, the labels under which it is followed. A branch that is absent here is followed always. */
  readonly followedOn?: Readonly<Record<string, readonly string[]>>;
  readonly sensor?: SerializedSensor;
  readonly triggerDagRun?: SerializedTriggerDagRun;
  /** It is deferred before its code runs for the first time, without a slot. */
  readonly startFromTrigger?: StartFromTrigger;
  readonly retries: number;
  readonly retryDelayMs: number;
  /** Each wait is this many times as long as the one before; a number from 1 up. */
  readonly retryBackoff?: number;
  readonly maxRetryDelayMs?: number;
  readonly executionTimeoutMs?: number;
  readonly dependsOnPast?: true;
  readonly ignoreFirstDependsOnPast?: true;
  readonly waitForDownstream?: true;
  readonly waitForPastDependsBeforeSkipping?: true;
  readonly pool?: string;
  readonly poolSlots?: number;
  readonly priorityWeight?: number;
  readonly weightRule?: WeightRule;
  readonly maxActiveTisPerDag?: number;
  readonly maxActiveTisPerDagrun?: number;
  readonly queue?: string;
  readonly executor?: string;
  readonly isolation: Isolation;
  /** Names of the assets whose events this task emits; each must stand in `assets` of the dag. */
  readonly outlets: readonly string[];
  /** Names of the aliases through which it says, while it runs, which assets it changed. */
  readonly outletAliases?: readonly string[];
  /** Names of the assets whose events this task reads. */
  readonly inlets?: readonly string[];
  readonly callbacks?: readonly TaskCallback[];
  /** An operator's fields; those named in `templateFields` are rendered before each try. */
  readonly fields?: JsonObject;
  readonly templateFields?: readonly string[];
  /** The variables and connections that it may ask for. */
  readonly variables?: readonly string[];
  readonly connections?: readonly string[];
}

/** A group of tasks. Its id is the prefix of the ids of what is in it, unless it was told not to be. */
export interface SerializedGroup {
  readonly groupId: string;
  /** The group around it. */
  readonly parentId?: string;
  readonly displayName?: string;
  readonly doc?: string;
  /** Makes it a mapped group: every task in it has as many task instances, and each index runs depth first. */
  readonly expand?: SerializedExpansion;
}
