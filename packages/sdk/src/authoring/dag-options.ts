import type { DagRunType, Duration } from '@tradewind/protocol';
import type { DagCallbacks } from './callbacks.ts';
import type { Deadline } from './deadline.ts';
import type { ParamSchemas } from './param-schema.ts';
import type { Schedule } from './schedule.ts';
import type { TaskDefaults } from './task-defaults.ts';

/** What a dag is besides its tasks. */
export interface DagOptions<P extends ParamSchemas = ParamSchemas, S extends Schedule = Schedule> {
  /** What starts the dag on its own. @default null */
  readonly schedule?: S;
  /** No scheduled run before it: a date or local time in the dag's timezone (`'2026-01-31'`, `'2026-01-31T06:00'`), or an instant. */
  readonly startDate?: string | Temporal.Instant;
  /** No scheduled run after it; written as `startDate`. */
  readonly endDate?: string | Temporal.Instant;
  /** IANA name; cron text, `startDate` and `endDate` are read in it. @default 'UTC' */
  readonly timezone?: string;
  /** Whether runs are made for the intervals that passed since `startDate`. @default false */
  readonly catchup?: boolean;
  /** What a run can be told. @default {} */
  readonly params?: P;
  /** How many runs of the dag may be active at once. @default 16 */
  readonly maxActiveRuns?: number;
  /** How many tasks of the dag may run at once. @default 16 */
  readonly maxActiveTasks?: number;
  /** The first failure of a task fails the run and ends what of it is running; every task must have the trigger rule `all_success`. @default false */
  readonly failFast?: boolean;
  /** After this many failed runs in a row the dag is paused. @default never */
  readonly maxConsecutiveFailedDagRuns?: number;
  /** A run that takes longer fails, and what of it has not ended is skipped. @default none */
  readonly dagrunTimeout?: Duration;
  /** The only kinds of run that the dag takes. @default all */
  readonly allowedRunTypes?: readonly DagRunType[];
  /** Moments by which a run should have ended. @default [] */
  readonly deadlines?: readonly Deadline[];
  /** Functions that are called when a run has ended. @default {} */
  readonly on?: DagCallbacks;
  /** @default [] */
  readonly tags?: readonly string[];
  readonly description?: string;
  /** Markdown, shown on the dag's page. */
  readonly doc?: string;
  readonly owner?: string;
  /** Shown in place of the id. */
  readonly displayName?: string;
  /** Whether the dag waits to be unpaused when it is seen for the first time. @default false */
  readonly isPausedUponCreation?: boolean;
  /** Options for each task that does not set them itself. @default {} */
  readonly taskDefaults?: TaskDefaults;
}
