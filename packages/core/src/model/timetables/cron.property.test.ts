/** Compares with a search minute by minute that knows nothing of stretches, offsets or fields that can be passed over. */
import { expect, test } from 'vitest';
import { createCronTicks } from './cron.ts';
import { parseCron, type Cron } from './parse-cron.ts';

const CASES = 2_000;
const SEED = 20_261_121;
const MINUTE_MS = 60_000;
const SEARCHED_MINUTES = 1_500;

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/St_Johns',
  'Africa/Casablanca',
  'Asia/Tehran',
  'America/Sao_Paulo',
  'Antarctica/Troll',
  '-03:30',
];
const MINUTES = ['*', '*/7', '*/15', '*/30', '0', '30', '15,45', '10-20', '59', '3/20'];
const HOURS = ['*', '*/2', '*/6', '0', '1', '2', '3', '23', '1-3', '0,2,4', '1/5'];
const DAYS_OF_MONTH = ['*', '*', '*', '1-15', '*/2', '25-31'];
const MONTHS = ['*', '*', '*', '3,10', '4-11'];
const DAYS_OF_WEEK = ['*', '*', '*', 'sun', 'mon-fri', '6-7'];

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const fraction = seeded(SEED);
const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(fraction() * items.length)] as Item;
const minuteAtOrBefore = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

/** Most instants lie near a change of the clock, where the faults are. */
function randomInstant(timezone: string): number {
  const start = Math.floor(Date.UTC(1990, 0) + fraction() * (Date.UTC(2040, 0) - Date.UTC(1990, 0)));
  const change = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(timezone).getTimeZoneTransition('next');
  if (change === null || fraction() < 0.2) return minuteAtOrBefore(start);
  return minuteAtOrBefore(change.epochMilliseconds + (fraction() - 0.7) * 30 * 60 * MINUTE_MS);
}

function isMatch(cron: Cron, wall: Temporal.PlainDateTime): boolean {
  const isDayOfMonth = cron.daysOfMonth[wall.day] === true;
  const isDayOfWeek = cron.daysOfWeek[wall.dayOfWeek % 7] === true;
  const isDay = cron.isEitherDay ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek;
  return isDay && cron.months[wall.month] === true && cron.hours[wall.hour] === true && cron.minutes[wall.minute] === true;
}

interface Skip {
  readonly at: number;
  /** What the clock would have shown, minute by minute, in the time that it skips. */
  readonly walls: readonly Temporal.PlainDateTime[];
}

function findSkips(timezone: string, from: number, to: number): Skip[] {
  const skips: Skip[] = [];
  let moment = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timezone).getTimeZoneTransition('next');
  while (moment !== null && moment.epochMilliseconds <= to) {
    const first = moment.subtract({ milliseconds: 1 }).toPlainDateTime().add({ milliseconds: 1 });
    const minutes = first.until(moment.toPlainDateTime()).total('minutes');
    if (minutes > 0)
      skips.push({ at: moment.epochMilliseconds, walls: Array.from({ length: minutes }, (_, index) => first.add({ minutes: index })) });
    moment = moment.getTimeZoneTransition('next');
  }
  return skips;
}

function isDue(cron: Cron, moment: Temporal.ZonedDateTime, skips: readonly Skip[]): boolean {
  const wall = moment.toPlainDateTime();
  const isAgain = (): boolean =>
    wall.toZonedDateTime(moment.timeZoneId, { disambiguation: 'earlier' }).epochMilliseconds !== moment.epochMilliseconds;
  if (isMatch(cron, wall) && (cron.isInterval || !isAgain())) return true;
  return skips.some(({ at, walls }) => {
    const skipped = walls[(moment.epochMilliseconds - at) / MINUTE_MS];
    if (cron.isInterval) return skipped !== undefined && isMatch(cron, skipped);
    return moment.epochMilliseconds === at && walls.some((time) => isMatch(cron, time));
  });
}

function searchForward(cron: Cron, timezone: string, after: number): number | undefined {
  const last = after + SEARCHED_MINUTES * MINUTE_MS;
  const skips = findSkips(timezone, after - 2 * 1_440 * MINUTE_MS, last);
  for (let ms = after + MINUTE_MS; ms <= last; ms += MINUTE_MS) {
    if (isDue(cron, Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone), skips)) return ms;
  }
  return undefined;
}

const PATIENCE_MS = 180_000;

test(
  `${CASES} random crons, zones and instants give what a search minute by minute gives`,
  () => {
    let found = 0;
    for (let index = 0; index < CASES; index += 1) {
      const expression = [MINUTES, HOURS, DAYS_OF_MONTH, MONTHS, DAYS_OF_WEEK].map(pick).join(' ');
      const parsed = parseCron(expression);
      if (!parsed.ok) throw new Error(parsed.message);
      const timezone = pick(ZONES);
      const after = randomInstant(timezone);
      const description = `${expression} in ${timezone} after ${Temporal.Instant.fromEpochMilliseconds(after).toString()}`;
      const expected = searchForward(parsed.cron, timezone, after);
      const { nextAfter, previousAtOrBefore } = createCronTicks(parsed.cron, timezone);
      const next = nextAfter(after);
      if (expected === undefined) {
        expect(next ?? Infinity, description).toBeGreaterThan(after + SEARCHED_MINUTES * MINUTE_MS);
        continue;
      }
      found += 1;
      expect(next, description).toBe(expected);
      expect(previousAtOrBefore(expected), `back, ${description}`).toBe(expected);
      const previous = previousAtOrBefore(expected - 1);
      expect(previous ?? -Infinity, `before, ${description}`).toBeLessThanOrEqual(after);
      if (previous !== undefined) expect(nextAfter(previous), `forth, ${description}`).toBe(expected);
    }
    // Most cases are due within the minutes that are searched; otherwise little would be compared.
    expect(found).toBeGreaterThan(CASES / 2);
  },
  PATIENCE_MS,
);
