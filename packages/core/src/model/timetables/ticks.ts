import type { SerializedTimetable } from '@tradewind/protocol';
import { createCronTicks, type CronTicks } from './cron.ts';
import { parseCron } from './parse-cron.ts';

/** The instants of a timetable, in milliseconds since the epoch. */
export interface Ticks {
  /** The first one that may follow a run at this instant; undefined where there is none. */
  readonly nextAfter: (ms: number) => number | undefined;
  /** The first one at or after. */
  readonly nextAtOrAfter: (ms: number) => number | undefined;
  /** The last one at or before. */
  readonly previousAtOrBefore: (ms: number) => number | undefined;
}

/** A timetable that has ticks: its runs can be told without knowing what was run. */
export type TickingTimetable = Extract<
  SerializedTimetable,
  { kind: 'cron' | 'crons' | 'cron_interval' | 'delta' | 'delta_interval' | 'events' }
>;

/** The ends of the years 1000 and 9999, whose dates have four digits everywhere. */
const LATEST_MS = 253_402_300_799_999;

/** Whether the runs of a timetable can be told in advance, as a backfill must. */
export function isTicking(timetable: SerializedTimetable): timetable is TickingTimetable {
  return timetable.kind !== 'once' && timetable.kind !== 'continuous' && timetable.kind !== 'custom';
}

/**
 * Prepares the search for the ticks of a timetable.
 * @throws Error where a cron or time zone cannot be read, which `findScheduleProblem` tells first
 */
export function createTicks(timetable: TickingTimetable): Ticks {
  switch (timetable.kind) {
    case 'cron':
    case 'cron_interval':
      return ticksOfCrons([readCron(timetable.expression, timetable.timezone)]);
    case 'crons':
      return ticksOfCrons(timetable.expressions.map((expression) => readCron(expression, timetable.timezone)));
    case 'delta':
    case 'delta_interval':
      return ticksOfDelta(timetable.everyMs);
    case 'events':
      return ticksOfEvents(timetable.at.map((instant) => Temporal.Instant.from(instant).epochMilliseconds));
  }
}

function readCron(expression: string, timezone: string): CronTicks {
  const parsed = parseCron(expression);
  if (!parsed.ok) throw new Error(parsed.message);
  return createCronTicks(parsed.cron, timezone);
}

function ticksOfCrons(crons: readonly CronTicks[]): Ticks {
  const nextAfter = (ms: number): number | undefined => finite(Math.min(...crons.map((cron) => cron.nextAfter(ms) ?? Infinity)));
  return {
    nextAfter,
    nextAtOrAfter: (ms) => nextAfter(ms - 1),
    previousAtOrBefore: (ms) => finite(Math.max(...crons.map((cron) => cron.previousAtOrBefore(ms) ?? -Infinity))),
  };
}

/** Any instant can be a tick of a delta: only the distance to the last one counts (Airflow's `DeltaMixin`). */
function ticksOfDelta(everyMs: number): Ticks {
  return {
    nextAfter: (ms) => withinRange(ms + everyMs),
    nextAtOrAfter: withinRange,
    previousAtOrBefore: withinRange,
  };
}

function ticksOfEvents(events: readonly number[]): Ticks {
  return {
    nextAfter: (ms) => events.find((at) => at > ms),
    nextAtOrAfter: (ms) => events.find((at) => at >= ms),
    previousAtOrBefore: (ms) => events.findLast((at) => at <= ms),
  };
}

function withinRange(ms: number): number | undefined {
  return ms <= LATEST_MS ? ms : undefined;
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}
