/**
 * A second, literal reading of crons and time zones, to hold the real one against. It shares nothing with it: it has its own reading of the fields, lists every time of
 * every day, and asks `Intl` (not `Temporal`) what clocks show.
 */
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Between two looks at a zone's clock; no zone has changed its clock and changed it back within less. */
const STEP_MS = 12 * HOUR_MS;

/** A stretch of time in which a zone keeps its offset. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly offsetMs: number;
}

/** Times that a clock on the wall shows, as if it were UTC, at which a cron says so. */
export interface WallTimes {
  readonly walls: readonly number[];
  /** Whether the minute or the hour says "every so often". */
  readonly isInterval: boolean;
}

/** Every time in [from, to), both whole days, that matches a cron of five or six numeric fields. */
export function listWallTimes(expression: string, from: number, to: number): WallTimes {
  const fields = expression.split(' ');
  const [second = '', minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] =
    fields.length === 6 ? fields : ['0', ...fields];
  const times = expand(hour, 0, 23).flatMap((h) =>
    expand(minute, 0, 59).flatMap((m) => expand(second, 0, 59).map((s) => ((h * 60 + m) * 60 + s) * 1_000)),
  );
  const days = new Set(expand(dayOfMonth, 1, 31));
  const months = new Set(expand(month, 1, 12));
  const weekdays = new Set(expand(dayOfWeek, 0, 7).map((day) => day % 7));
  const isDay = (date: Date): boolean => {
    const [isMonthDay, isWeekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
    return dayOfMonth !== '*' && dayOfWeek !== '*' ? isMonthDay || isWeekday : isMonthDay && isWeekday;
  };
  const walls: number[] = [];
  for (let day = from; day < to; day += DAY_MS) {
    const date = new Date(day);
    if (!months.has(date.getUTCMonth() + 1) || !isDay(date)) continue;
    for (const time of times) walls.push(day + time);
  }
  return { walls, isInterval: /[*/]/.test(minute + hour) };
}

/** The stretches of a zone that touch [from, to). */
export function listSegments(timezone: string, from: number, to: number): readonly Segment[] {
  const offsetAt = createOffsetReader(timezone);
  const segments: Segment[] = [];
  let start = from;
  let offsetMs = offsetAt(from);
  for (let at = from; at < to; at += STEP_MS) {
    const next = Math.min(at + STEP_MS, to);
    if (offsetAt(next) === offsetMs) continue;
    const change = findChange(offsetAt, at, next);
    segments.push({ from: start, to: change, offsetMs });
    start = change;
    offsetMs = offsetAt(change);
  }
  return [...segments, { from: start, to, offsetMs }];
}

/**
 * Every instant in [from, to) at which a cron is due in a zone, rising. Fixed times: the first instant that shows the time; where clocks skip it, the first instant
 * after. Intervals: every instant that shows the time, and where clocks skip it, when it would have come had they not.
 */
export function listDueInstants(
  { walls, isInterval }: WallTimes,
  segments: readonly Segment[],
  from: number,
  to: number,
): readonly number[] {
  const due = new Set<number>();
  let shownUntil = -Infinity;
  for (const [index, { from: start, to: end, offsetMs }] of segments.entries()) {
    const before = segments[index - 1]?.offsetMs ?? offsetMs;
    const isNear = end > from - DAY_MS && start < to + DAY_MS;
    for (const wall of isNear ? between(walls, start + before, start + offsetMs) : []) {
      if (!isInterval) due.add(start);
      else if (wall - before < end) due.add(wall - before);
    }
    const near = isNear ? between(walls, Math.max(start, from) + offsetMs, Math.min(end, to) + offsetMs) : [];
    for (const wall of near) {
      if (isInterval || wall >= shownUntil) due.add(wall - offsetMs);
    }
    shownUntil = Math.max(shownUntil, end + offsetMs);
  }
  return [...due].filter((at) => at >= from && at < to).toSorted((a, b) => a - b);
}

/** `*`, `5`, `5-10`, each perhaps with `/step`, and lists of these. */
function expand(text: string, lowest: number, highest: number): number[] {
  // Seven is Sunday once more, and neither `*` nor a step reaches it.
  const top = highest === 7 ? 6 : highest;
  const values = text.split(',').flatMap((item) => {
    const [range = '', step = ''] = item.split('/');
    const [first = '', last = step === '' ? first : String(top)] = range.split('-');
    const [start, end] = first === '*' ? [lowest, top] : [Number(first), Number(last)];
    const stride = Number(step === '' ? 1 : step);
    return Array.from({ length: Math.floor((end - start) / stride) + 1 }, (_, index) => start + index * stride);
  });
  return [...new Set(values)].toSorted((a, b) => a - b);
}

function createOffsetReader(timezone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (format.format(ms).match(/\d+/g) ?? []).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
  };
}

/** Halves the stretch until the minute of the change is found. */
function findChange(offsetAt: (ms: number) => number, from: number, to: number): number {
  const before = offsetAt(from);
  let [low, high] = [from, to];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function between(walls: readonly number[], from: number, to: number): readonly number[] {
  return from >= to ? [] : walls.slice(indexOf(walls, from), indexOf(walls, to));
}

/** Where the first time stands that is not before this one. */
function indexOf(walls: readonly number[], wall: number): number {
  let [low, high] = [0, walls.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((walls[middle] ?? Infinity) < wall) low = middle + 1;
    else high = middle;
  }
  return low;
}
