import type { SerializedAsset } from './asset.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { TriggerRule } from './trigger-rule.ts';

/** Raised with every change that an older reader could not understand. */
export const SERIALIZED_DAG_VERSION = 1;

/** Airflow's defaults, which are ours: `max_active_runs`, `max_active_tasks`, `retry_delay`. */
export const DEFAULT_MAX_ACTIVE_RUNS = 16;
export const DEFAULT_MAX_ACTIVE_TASKS = 16;
export const DEFAULT_RETRY_DELAY_MS = 300_000;

/** What one input of a task is bound to: the value of another task, or a literal. */
export type InputBinding = { readonly kind: 'xcom'; readonly taskId: string } | { readonly kind: 'literal'; readonly value: JsonValue };

/** What starts a dag on its own. Nothing, a clock, or events of assets (each event its own run). */
export type SerializedSchedule =
  | { readonly kind: 'none' }
  | { readonly kind: 'cron'; readonly expression: string; readonly timezone: string }
  | { readonly kind: 'asset'; readonly any: readonly string[] };

/** How much of a process a try shares with others: `warm` children run one try after the other, `process` is a fresh one for each. */
export type Isolation = 'warm' | 'process';

/** A task as the scheduler sees it: everything but its code. */
export interface SerializedTask {
  readonly taskId: string;
  /** Which operator made it: `function`, `bash`, `empty`, or the name of a provider's. */
  readonly operator: string;
  readonly displayName?: string;
  readonly doc?: string;
  readonly inputs: Readonly<Record<string, InputBinding>>;
  /** Every task that must end first, those behind inputs included. */
  readonly upstream: readonly string[];
  readonly triggerRule: TriggerRule;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly executionTimeoutMs?: number;
  readonly isolation: Isolation;
  /** Names of the assets whose events this task emits; each must stand in `assets` of the dag. */
  readonly outlets: readonly string[];
}

/** A dag as data: what the dag processor stores and the scheduler reads. */
export interface SerializedDag {
  readonly schemaVersion: typeof SERIALIZED_DAG_VERSION;
  readonly dagId: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly doc?: string;
  readonly owner?: string;
  readonly tags: readonly string[];
  readonly schedule: SerializedSchedule;
  /** ISO 8601 instant; no run before it. */
  readonly startDate?: string;
  /** ISO 8601 instant; no run after it. */
  readonly endDate?: string;
  readonly catchup: boolean;
  readonly isPausedUponCreation: boolean;
  /** One JSON Schema (draft 2020-12) for each param; its `default` is the value where none is given. */
  readonly params: Readonly<Record<string, JsonObject>>;
  readonly maxActiveRuns: number;
  readonly maxActiveTasks: number;
  readonly tasks: readonly SerializedTask[];
  /** Every asset that the schedule or a task names. */
  readonly assets: readonly SerializedAsset[];
}
