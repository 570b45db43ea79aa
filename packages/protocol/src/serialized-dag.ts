import type { SerializedAsset } from './asset.ts';
import type { JsonObject } from './json.ts';
import type { SerializedDeadline } from './serialized-deadline.ts';
import type { SerializedSchedule } from './serialized-schedule.ts';
import type { SerializedGroup, SerializedTask } from './serialized-task.ts';
import type { DagRunType } from './states.ts';

/** Raised with every change that an older reader could not understand. */
export const SERIALIZED_DAG_VERSION = 1;

/** Airflow's defaults, which are ours: `max_active_runs`, `max_active_tasks`. */
export const DEFAULT_MAX_ACTIVE_RUNS = 16;
export const DEFAULT_MAX_ACTIVE_TASKS = 16;

/** The author's functions that are called when a run ends. */
export const DAG_CALLBACKS = ['success', 'failure'] as const;
/** When a callback of a dag is called. */
export type DagCallback = (typeof DAG_CALLBACKS)[number];

/** A dag as data: what the dag processor stores and the scheduler reads. A field that is absent has Airflow's default. */
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
  /** After this many failed runs in a row the dag is paused. */
  readonly maxConsecutiveFailedDagRuns?: number;
  /** A run that takes longer fails; what of it has not ended is skipped. */
  readonly dagrunTimeoutMs?: number;
  /** The first failure ends the whole run. */
  readonly failFast?: true;
  /** The only kinds of run that the dag takes. */
  readonly allowedRunTypes?: readonly DagRunType[];
  readonly callbacks?: readonly DagCallback[];
  readonly deadlines?: readonly SerializedDeadline[];
  readonly tasks: readonly SerializedTask[];
  readonly groups?: readonly SerializedGroup[];
  /** Every asset that the schedule or a task names. */
  readonly assets: readonly SerializedAsset[];
}
