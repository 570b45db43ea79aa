import type { SerializedAssetSchedule } from './asset-condition.ts';

/** What starts a dag on its own: nothing, a clock, events of assets, or the last two side by side. */
export type SerializedSchedule =
  | { readonly kind: 'none' }
  | SerializedTimetable
  | SerializedAssetSchedule
  /** Two streams of runs that do not know of each other. */
  | { readonly kind: 'asset_or_time'; readonly time: SerializedTimetable; readonly assets: SerializedAssetSchedule };

/**
 * What a dag that has neither a start date nor a past run does about the tick before now: runs it, runs it where it is at most so long ago, or where it is recent:
 * within a tenth of the time between two ticks, and at least five minutes. Absent: waits for the next one (Airflow's `run_immediately`).
 */
export type RunImmediately = 'always' | 'if_recent' | { readonly withinMs: number };

/** A timetable whose runs are due at its ticks; the logical date is the tick, and the data interval ends there. */
interface TriggerTimetable {
  /** Length of the data interval. @default 0 */
  readonly intervalMs?: number;
}

/**
 * When runs are due by the clock. The `…_interval` kinds run at the end of a data interval and have its start for a logical date; all others run at a tick, which is
 * their logical date.
 */
export type SerializedTimetable =
  | ({ readonly kind: 'cron'; readonly expression: string; readonly timezone: string } & CronTrigger)
  /** Due where any of them is, once. */
  | ({ readonly kind: 'crons'; readonly expressions: readonly string[]; readonly timezone: string } & CronTrigger)
  | { readonly kind: 'cron_interval'; readonly expression: string; readonly timezone: string }
  /** Counts from the start date, or from when the dag was first seen: not aligned to the clock. */
  | ({ readonly kind: 'delta'; readonly everyMs: number } & TriggerTimetable)
  | { readonly kind: 'delta_interval'; readonly everyMs: number }
  | {
      readonly kind: 'events';
      /** ISO 8601 instants, rising. */
      readonly at: readonly string[];
      /** Whether a run by hand belongs to the latest event before it. */
      readonly restrictToEvents: boolean;
      readonly description?: string;
    }
  | { readonly kind: 'once' }
  /** The next run begins when the last one has ended. */
  | { readonly kind: 'continuous' }
  /** The author's code says; it is asked ahead of time, in a child. */
  | { readonly kind: 'custom'; readonly summary: string };

interface CronTrigger extends TriggerTimetable {
  readonly runImmediately?: RunImmediately;
}

/** How many instants an `events` timetable may list. */
export const MAX_TIMETABLE_EVENTS = 10_000;

/** How many expressions a `crons` timetable may list. */
export const MAX_TIMETABLE_CRONS = 100;

/** The shortest delta: more often than this, a dag is a service. */
export const MIN_DELTA_MS = 1_000;

/** The part of a schedule that follows a clock; undefined where there is none. */
export function timetableOf(schedule: SerializedSchedule): SerializedTimetable | undefined {
  if (schedule.kind === 'asset_or_time') return schedule.time;
  return schedule.kind === 'none' || schedule.kind === 'asset' ? undefined : schedule;
}

/** The part of a schedule that follows assets; undefined where there is none. */
export function assetScheduleOf(schedule: SerializedSchedule): SerializedAssetSchedule | undefined {
  if (schedule.kind === 'asset_or_time') return schedule.assets;
  return schedule.kind === 'asset' ? schedule : undefined;
}
