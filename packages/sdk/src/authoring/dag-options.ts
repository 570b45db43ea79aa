import type { Duration, Isolation } from '@tradewind/protocol';
import type { ParamSchemas } from './param-schema.ts';
import type { Schedule } from './schedule.ts';

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

/** What a dag can set for all its tasks. */
export interface TaskDefaults {
  /** How many tries follow a failed first one. @default 0 */
  readonly retries?: number;
  /** The wait between the end of a failed try and the next one. @default { minutes: 5 } */
  readonly retryDelay?: Duration;
  /** A try that takes longer is ended and counts as failed. @default none */
  readonly executionTimeout?: Duration;
  /** `warm` reuses a process for one try after the other, `process` takes a fresh one for each. @default 'warm' */
  readonly isolation?: Isolation;
}
