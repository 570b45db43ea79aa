/**
 * Finds the times at which a clock on the wall shows what a cron says. Times here are what the wall shows, in milliseconds as if it were
 * UTC: no zone, no changes of the clock. Days and months that do not match are passed over whole.
 */
import type { Cron } from './parse-cron.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;

/** The first match in [from, to). */
export function firstMatch(cron: Cron, from: number, to: number): number | undefined {
  const start = Math.ceil(from / MINUTE_MS);
  let day = Math.floor(start / DAY_MINUTES);
  let minute: number | undefined = start - day * DAY_MINUTES;
  while (day * DAY_MS < to) {
    const date = new Date(day * DAY_MS);
    if (!isMatchingMonth(cron, date)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / DAY_MS;
    } else {
      const found = isMatchingDay(cron, date) ? firstMinute(cron, minute) : undefined;
      if (found !== undefined) return earlierThan(to, day * DAY_MS + found * MINUTE_MS);
      day += 1;
    }
    minute = 0;
  }
  return undefined;
}

/** The last match in [from, to). */
export function lastMatch(cron: Cron, from: number, to: number): number | undefined {
  const end = Math.ceil(to / MINUTE_MS) - 1;
  let day = Math.floor(end / DAY_MINUTES);
  let minute = end - day * DAY_MINUTES;
  while ((day + 1) * DAY_MS > from) {
    const date = new Date(day * DAY_MS);
    if (!isMatchingMonth(cron, date)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / DAY_MS - 1;
    } else {
      const found = isMatchingDay(cron, date) ? lastMinute(cron, minute) : undefined;
      if (found !== undefined) return notEarlierThan(from, day * DAY_MS + found * MINUTE_MS);
      day -= 1;
    }
    minute = DAY_MINUTES - 1;
  }
  return undefined;
}

function isMatchingMonth(cron: Cron, date: Date): boolean {
  return cron.months[date.getUTCMonth() + 1] === true;
}

function isMatchingDay(cron: Cron, date: Date): boolean {
  const isDayOfMonth = cron.daysOfMonth[date.getUTCDate()] === true;
  const isDayOfWeek = cron.daysOfWeek[date.getUTCDay()] === true;
  return cron.isEitherDay ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek;
}

/** The first matching minute of a day that is not before the given one. */
function firstMinute({ hours, minutes }: Cron, from: number): number | undefined {
  const fromHour = Math.floor(from / 60);
  for (let hour = hours.indexOf(true, fromHour); hour !== -1; hour = hours.indexOf(true, hour + 1)) {
    const minute = minutes.indexOf(true, hour === fromHour ? from % 60 : 0);
    if (minute !== -1) return hour * 60 + minute;
  }
  return undefined;
}

/** The last matching minute of a day that is not after the given one. */
function lastMinute({ hours, minutes }: Cron, to: number): number | undefined {
  const toHour = Math.floor(to / 60);
  for (let hour = toHour; hour >= 0; hour -= 1) {
    const minute = hours[hour] === true ? minutes.lastIndexOf(true, hour === toHour ? to % 60 : 59) : -1;
    if (minute !== -1) return hour * 60 + minute;
  }
  return undefined;
}

function earlierThan(to: number, wall: number): number | undefined {
  return wall < to ? wall : undefined;
}

function notEarlierThan(from: number, wall: number): number | undefined {
  return wall >= from ? wall : undefined;
}
