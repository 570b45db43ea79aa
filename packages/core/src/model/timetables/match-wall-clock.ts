/**
 * Finds the times at which a clock on the wall shows what a cron says. Times here are what the wall shows, in milliseconds as if it were
 * UTC: no zone, no changes of the clock. Days and months that do not match are passed over whole.
 */
import type { Cron } from './parse-cron.ts';

const SECOND_MS = 1_000;
const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * SECOND_MS;

/** The first match in [from, to). */
export function firstMatch(cron: Cron, from: number, to: number): number | undefined {
  const start = Math.ceil(from / SECOND_MS);
  let day = Math.floor(start / DAY_SECONDS);
  let second = start - day * DAY_SECONDS;
  while (day * DAY_MS < to) {
    const date = new Date(day * DAY_MS);
    if (!isMatchingMonth(cron, date)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / DAY_MS;
    } else {
      const found = isMatchingDay(cron, date) ? firstSecond(cron, second) : undefined;
      if (found !== undefined) return earlierThan(to, day * DAY_MS + found * SECOND_MS);
      day += 1;
    }
    second = 0;
  }
  return undefined;
}

/** The last match in [from, to). */
export function lastMatch(cron: Cron, from: number, to: number): number | undefined {
  const end = Math.ceil(to / SECOND_MS) - 1;
  let day = Math.floor(end / DAY_SECONDS);
  let second = end - day * DAY_SECONDS;
  while ((day + 1) * DAY_MS > from) {
    const date = new Date(day * DAY_MS);
    if (!isMatchingMonth(cron, date)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / DAY_MS - 1;
    } else {
      const found = isMatchingDay(cron, date) ? lastSecond(cron, second) : undefined;
      if (found !== undefined) return notEarlierThan(from, day * DAY_MS + found * SECOND_MS);
      day -= 1;
    }
    second = DAY_SECONDS - 1;
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

/** The first matching second of a day that is not before the given one. */
function firstSecond({ hours, minutes, seconds }: Cron, from: number): number | undefined {
  const [fromHour, fromMinute, fromSecond] = split(from);
  for (let hour = hours.indexOf(true, fromHour); hour !== -1; hour = hours.indexOf(true, hour + 1)) {
    const isFirstHour = hour === fromHour;
    for (let minute = minutes.indexOf(true, isFirstHour ? fromMinute : 0); minute !== -1; minute = minutes.indexOf(true, minute + 1)) {
      const second = seconds.indexOf(true, isFirstHour && minute === fromMinute ? fromSecond : 0);
      if (second !== -1) return hour * HOUR_SECONDS + minute * MINUTE_SECONDS + second;
    }
  }
  return undefined;
}

/** The last matching second of a day that is not after the given one. */
function lastSecond({ hours, minutes, seconds }: Cron, to: number): number | undefined {
  const [toHour, toMinute, toSecond] = split(to);
  for (let hour = lastTrue(hours, toHour); hour !== -1; hour = lastTrue(hours, hour - 1)) {
    const isLastHour = hour === toHour;
    for (let minute = lastTrue(minutes, isLastHour ? toMinute : 59); minute !== -1; minute = lastTrue(minutes, minute - 1)) {
      const second = lastTrue(seconds, isLastHour && minute === toMinute ? toSecond : 59);
      if (second !== -1) return hour * HOUR_SECONDS + minute * MINUTE_SECONDS + second;
    }
  }
  return undefined;
}

/** As `lastIndexOf`, for which an index before the first counts from the end. */
function lastTrue(values: readonly boolean[], from: number): number {
  return from < 0 ? -1 : values.lastIndexOf(true, from);
}

function split(second: number): readonly [hour: number, minute: number, second: number] {
  const hour = Math.floor(second / HOUR_SECONDS);
  const minute = Math.floor((second - hour * HOUR_SECONDS) / MINUTE_SECONDS);
  return [hour, minute, second % MINUTE_SECONDS];
}

function earlierThan(to: number, wall: number): number | undefined {
  return wall < to ? wall : undefined;
}

function notEarlierThan(from: number, wall: number): number | undefined {
  return wall >= from ? wall : undefined;
}
