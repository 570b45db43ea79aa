/**
 * Holds crons in time zones against the reference: every zone that this Node knows × 300 crons × ten years.
 *
 *   node packages/core/src/model/timetables/testing/sweep.ts [--full]
 *
 * Zones whose clocks show the same all the time are compared once. Crons that are due more than a hundred times a day are compared within two days of each change of a
 * clock and in one month of each year; with `--full` everywhere, which takes hours. Exits with 1 where there is a difference.
 */
import { compareCron } from './compare-crons.ts';
import { listSegments, listWallTimes, type Segment, type WallTimes } from './reference-cron.ts';
import { sampleCrons } from './sample-crons.ts';

const FIRST_YEAR = 2020;
const YEARS = 10;
const CRONS = 300;
const DAY_MS = 86_400_000;
const DENSE_PER_DAY = 100;
const AROUND_CHANGE_MS = 2 * DAY_MS;

const from = Date.UTC(FIRST_YEAR, 0);
const to = Date.UTC(FIRST_YEAR + YEARS, 0);

/** Zones that behave alike, and one of them. */
interface ZoneGroup {
  readonly timezone: string;
  readonly segments: readonly Segment[];
  zones: number;
}

main(process.argv.includes('--full'));

function main(isFull: boolean): void {
  const groups = groupZones();
  const zones = groups.reduce((sum, group) => sum + group.zones, 0);
  print(`${zones} zones in ${groups.length} groups that behave alike, ${CRONS} crons, ${FIRST_YEAR} to ${FIRST_YEAR + YEARS - 1}`);
  let compared = 0;
  let differences = 0;
  for (const expression of sampleCrons(CRONS)) {
    const walls = listWallTimes(expression, from - 2 * DAY_MS, to + 2 * DAY_MS);
    for (const group of groups) {
      for (const stretch of isFull ? [{ from, to }] : stretchesFor(walls, group)) {
        const { count, difference } = compareCron({ expression, walls, ...group, ...stretch });
        compared += count;
        if (difference === undefined) continue;
        differences += 1;
        print(difference);
      }
    }
  }
  print(`${compared} instants compared, ${differences} differences`);
  process.exitCode = differences === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function groupZones(): readonly ZoneGroup[] {
  const groups = new Map<string, ZoneGroup>();
  for (const timezone of Intl.supportedValuesOf('timeZone')) {
    const segments = listSegments(timezone, from - 30 * DAY_MS, to + 30 * DAY_MS);
    const key = JSON.stringify(segments);
    const group = groups.get(key) ?? { timezone, segments, zones: 0 };
    group.zones += 1;
    groups.set(key, group);
    requireSameChanges(timezone, segments);
  }
  return [...groups.values()];
}

/** A zone stands for its group only where `Temporal`, which the real search asks, knows the same changes. */
function requireSameChanges(timezone: string, segments: readonly Segment[]): void {
  for (const { from: start, to: end, offsetMs } of segments) {
    const moment = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(timezone);
    const next = nextChange(moment);
    if (moment.offsetNanoseconds / 1e6 === offsetMs && (next === end || (end >= to && next >= end))) continue;
    throw new Error(`${timezone}: Temporal and Intl differ at ${moment.toString()}`);
  }
}

/** The next change of the offset; others, such as of a name, do not count. */
function nextChange(moment: Temporal.ZonedDateTime): number {
  for (let next = moment.getTimeZoneTransition('next'); next !== null; next = next.getTimeZoneTransition('next')) {
    if (next.offsetNanoseconds !== moment.offsetNanoseconds) return next.epochMilliseconds;
  }
  return Number.POSITIVE_INFINITY;
}

function stretchesFor({ walls }: WallTimes, { segments }: ZoneGroup): readonly { readonly from: number; readonly to: number }[] {
  if (walls.length / ((to - from) / DAY_MS) <= DENSE_PER_DAY) return [{ from, to }];
  const changes = segments.slice(1).filter((segment) => segment.from > from && segment.from < to);
  const months = Array.from({ length: YEARS }, (_, year) => ({
    from: Date.UTC(FIRST_YEAR + year, year % 12),
    to: Date.UTC(FIRST_YEAR + year, (year % 12) + 1),
  }));
  return [...changes.map((change) => ({ from: change.from - AROUND_CHANGE_MS, to: change.from + AROUND_CHANGE_MS })), ...months];
}
