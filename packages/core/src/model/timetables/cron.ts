/**
 * When a cron is due in a time zone.
 *
 * Where the clock goes forward, times that it skips are not lost: a cron of fixed times runs once, at the first instant after the gap; an
 * interval cron (`isInterval`) runs when its time would have come had the clock not changed, as measured from the run before. Where the
 * clock goes back, fixed times run at their first occurrence only, an interval cron at both. (Airflow: wall clock for fixed times, elapsed
 * time for intervals.)
 */
import { firstMatch, lastMatch } from './match-wall-clock.ts';
import type { Cron } from './parse-cron.ts';

const SECOND_MS = 1_000;
/** Beyond this nothing is looked for: `0 0 31 2 *` is never due. The rarest real date, 29 February, comes within eight years. */
const HORIZON_MS = 10 * 366 * 86_400_000;
/** The years 1000 to 9999, whose dates have four digits everywhere. */
const EARLIEST_MS = -30_610_224_000_000;
const LATEST_MS = 253_402_300_799_999;

/** A stretch of time in which a zone keeps its offset from UTC, and the change that it began with. */
interface Stretch {
  /** The instant of the change; -Infinity where there was none. */
  readonly start: number;
  /** The instant of the next change, which belongs to the next stretch. */
  readonly end: number;
  readonly offset: number;
  readonly offsetBefore: number;
}

/** The instants at which one cron is due in one time zone. Milliseconds since the epoch; all are whole seconds of the years 1000 to 9999. */
export interface CronTicks {
  /** The first one after; undefined where there is none within ten years. */
  nextAfter(ms: number): number | undefined;
  /** The last one at or before; undefined where there is none within ten years. */
  previousAtOrBefore(ms: number): number | undefined;
}

/**
 * Prepares the search for the instants of a cron. Neighbouring searches share what they learn about the time zone.
 *
 * @param timezone a name of the IANA database, or an offset such as `+05:45`
 * @throws RangeError where there is no such time zone
 */
export function createCronTicks(cron: Cron, timezone: string): CronTicks {
  let known = stretchAt(timezone, 0);
  const stretchOf = (ms: number): Stretch => {
    if (ms < known.start || ms >= known.end) known = stretchAt(timezone, ms);
    return known;
  };
  return {
    nextAfter(ms) {
      let from = wholeSecondAfter(Math.max(ms, EARLIEST_MS));
      const horizon = Math.min(from + HORIZON_MS, LATEST_MS);
      while (from < horizon) {
        const stretch = stretchOf(from);
        const due = Math.min(...dueIn(cron, stretch, { from, to: Math.min(stretch.end, horizon), match: firstMatch }));
        if (Number.isFinite(due)) return due;
        from = stretch.end;
      }
      return undefined;
    },
    previousAtOrBefore(ms) {
      let to = wholeSecondAfter(Math.min(ms, LATEST_MS));
      const horizon = Math.max(to - HORIZON_MS, EARLIEST_MS);
      while (to > horizon) {
        const stretch = stretchOf(to - SECOND_MS);
        const due = Math.max(...dueIn(cron, stretch, { from: Math.max(stretch.start, horizon), to, match: lastMatch }));
        if (Number.isFinite(due)) return due;
        to = stretch.start;
      }
      return undefined;
    },
  };
}

/** Whether a text names a time zone. */
export function isTimezone(timezone: string): boolean {
  try {
    stretchAt(timezone, 0);
    return true;
  } catch {
    return false;
  }
}

/** Clocks change at whole seconds, and whatever is due is due at one. */
function wholeSecondAfter(ms: number): number {
  return (Math.floor(ms / SECOND_MS) + 1) * SECOND_MS;
}

function stretchAt(timezone: string, ms: number): Stretch {
  // A change at this very instant begins the stretch, so the look back starts a millisecond later.
  const moment = momentAt(timezone, ms + 1);
  const start = moment.getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity;
  const end = moment.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
  const offset = offsetOf(moment);
  return { start, end, offset, offsetBefore: start === -Infinity ? offset : offsetOf(momentAt(timezone, start - 1)) };
}

function momentAt(timezone: string, ms: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone);
}

function offsetOf(moment: Temporal.ZonedDateTime): number {
  return moment.offsetNanoseconds / 1_000_000;
}

/** Which instants of a stretch to look at, and from which end. */
interface Search {
  readonly from: number;
  readonly to: number;
  readonly match: typeof firstMatch;
}

/** The instants in [from, to) of a stretch that compete for being the first, or the last, at which the cron is due. */
function dueIn(cron: Cron, { start, offset, offsetBefore }: Stretch, { from, to, match }: Search): number[] {
  const gap = { from: start + offsetBefore, to: start + offset };
  if (cron.isInterval) {
    const delayed = match(cron, Math.max(gap.from, from + offsetBefore), Math.min(gap.to, to + offsetBefore));
    const regular = match(cron, from + offset, to + offset);
    return [...instantOf(delayed, offsetBefore), ...instantOf(regular, offset)];
  }
  // Until the wall shows more than it had shown before the change, it repeats itself.
  const regular = match(cron, Math.max(gap.from, from + offset), to + offset);
  const isSkipped = from <= start && start < to && match(cron, gap.from, gap.to) !== undefined;
  return [...(isSkipped ? [start] : []), ...instantOf(regular, offset)];
}

function instantOf(wall: number | undefined, offset: number): number[] {
  return wall === undefined ? [] : [wall - offset];
}
