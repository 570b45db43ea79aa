import {
  MAX_TIMETABLE_CRONS,
  MAX_TIMETABLE_EVENTS,
  MIN_DELTA_MS,
  type Duration,
  type RunImmediately,
  type SerializedTimetable,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { checkFields, readBoolean, readText } from './check-fields.ts';
import { deepFreeze } from './deep-freeze.ts';
import { present } from './present.ts';
import { readCronText } from './read-cron-text.ts';
import { readDuration } from './read-duration.ts';
import { readTimezone } from './read-timezone.ts';
import { showValue } from './show-value.ts';

/** Marks a timetable. A registered symbol, because a dag file may mix two copies of this package. */
const TIMETABLE: unique symbol = Symbol.for('tradewind.timetable.v1') as never;

/** When a dag runs by the clock: for its `schedule`. Frozen. */
export interface Timetable {
  readonly [TIMETABLE]: true;
  readonly spec: TimetableSpec;
  /** Of a timetable that `timetable()` made. */
  readonly code?: TimetableCode;
}

/** A serialized timetable whose timezone may still be the dag's. */
export type TimetableSpec = WithoutPlace<SerializedTimetable>;
type WithoutPlace<T> = T extends { readonly timezone: string } ? Omit<T, 'timezone'> & { readonly timezone?: string } : T;

/** Whether a value is a timetable. */
export function isTimetable(value: unknown): value is Timetable {
  return typeof value === 'object' && value !== null && (value as { [TIMETABLE]?: true })[TIMETABLE] === true;
}

/** What a cron that runs at its ticks can be told. */
export interface CronOptions {
  /** IANA name. @default the dag's timezone */
  readonly timezone?: string;
  /** Length of a run's data interval, which ends when it is due. @default false, for none */
  readonly interval?: false | Duration;
  /**
   * What a dag without a start date and without a run does about the tick before it was first seen: `true` runs it, a duration runs it where it is no longer ago,
   * null where it is recent: within a tenth of the time between two ticks, and at least five minutes.
   * @default false
   */
  readonly runImmediately?: boolean | Duration | null;
}

/**
 * Runs at the ticks of a cron: five fields (minute, hour, day of month, month, day of week), or six with the second before them. The logical date is the tick.
 *
 * Throws a `DefinitionError` for what is no cron; whether its numbers are in range the environment says when it reads the file.
 *
 * @example
 * const quarterPast = cron('15 * * * *', { timezone: 'Europe/Paris', interval: { hours: 1 } });
 * export const sales = dag('sales', { schedule: quarterPast }, (d) => {
 *   d.task('load', { run: (_, { dataInterval }) => load(dataInterval) });
 * });
 */
export function cron(expression: string, options: CronOptions = {}): Timetable {
  const where = `cron(${showValue(expression)})`;
  const kind = { kind: 'cron', expression: readCronText(where, 'the expression', expression) } as const;
  return freeze({ ...kind, ...readCronOptions(where, options) });
}

/**
 * Runs at the ticks of several crons, once where two coincide. Otherwise as `cron`.
 *
 * @example
 * const shifts = crons(['0 6 * * 1-5', '0 14 * * 1-5', '30 9 * * 6'], { timezone: 'Europe/Berlin' });
 * export const roster = dag('roster', { schedule: shifts }, (d) => {
 *   d.task('publish', { run: () => publishRoster() });
 * });
 */
export function crons(expressions: readonly string[], options: CronOptions = {}): Timetable {
  const where = 'crons()';
  if (!Array.isArray(expressions) || expressions.length === 0 || expressions.length > MAX_TIMETABLE_CRONS) {
    throw new DefinitionError(where, `give a list of 1 to ${MAX_TIMETABLE_CRONS} crons and not ${showValue(expressions)}`);
  }
  const texts = expressions.map((expression: unknown, index) => readCronText(where, `expression ${index + 1}`, expression));
  return freeze({ kind: 'crons', expressions: [...new Set(texts)], ...readCronOptions(where, options) });
}

/**
 * Runs once the time between two ticks of a cron is over: the logical date is the first tick, the data interval lies between them.
 *
 * @example
 * export const daily = dag('daily', { schedule: cronInterval('0 0 * * *', { timezone: 'Asia/Tokyo' }), catchup: true, startDate: '2026-01-01' }, (d) => {
 *   d.task('load', { run: (_, { dataInterval }) => load(dataInterval) });
 * });
 */
export function cronInterval(expression: string, options: { readonly timezone?: string } = {}): Timetable {
  const where = `cronInterval(${showValue(expression)})`;
  const { timezone } = checkFields(where, 'the options', options, { timezone: true });
  const own = timezone === undefined ? undefined : readTimezone(where, 'timezone', timezone);
  return freeze({ kind: 'cron_interval', expression: readCronText(where, 'the expression', expression), ...present({ timezone: own }) });
}

/** How a delta makes runs. */
export interface EveryOptions {
  /** `trigger` runs at each step, `interval` when the time from one step to the next is over. @default 'trigger' */
  readonly style?: 'trigger' | 'interval';
  /** With `trigger`: length of a run's data interval, which ends when it is due. @default false, for none */
  readonly interval?: false | Duration;
}

/**
 * Runs at a fixed distance from the run before: nothing aligns it to the clock. It begins at the dag's start date, or when the dag is first seen.
 *
 * @example
 * export const poll = dag('poll', { schedule: every({ minutes: 20 }) }, (d) => {
 *   d.task('look', { run: () => lookForFiles() });
 * });
 */
export function every(length: Duration, options: EveryOptions = {}): Timetable {
  const where = `every(${showValue(length)})`;
  const everyMs = readDuration(where, 'the length', length ?? null) ?? 0;
  if (everyMs < MIN_DELTA_MS) throw new DefinitionError(where, 'a dag runs once a second at most; for less, loop in a task');
  const { style = 'trigger', interval } = checkFields(where, 'the options', options, { style: true, interval: true });
  if (style !== 'trigger' && style !== 'interval') {
    throw new DefinitionError(where, `style is ${showValue(style)}; use 'trigger' or 'interval'`);
  }
  if (style === 'trigger') return freeze({ kind: 'delta', everyMs, ...readInterval(where, interval) });
  if (interval !== undefined) throw new DefinitionError(where, "interval goes with style 'trigger'; here it is the length itself");
  return freeze({ kind: 'delta_interval', everyMs });
}

/** What a list of events can be told. */
export interface EventsOptions {
  /** Whether a run by hand belongs to the latest event before it. @default false */
  readonly restrictToEvents?: boolean;
  /** Shown in place of "3 events". */
  readonly description?: string;
}

/**
 * Runs at listed instants and at no other.
 *
 * @example
 * const releases = events(['2026-03-17T09:00Z', '2026-09-15T09:00Z'], { description: 'release days' });
 * export const release = dag('release', { schedule: releases }, (d) => {
 *   d.task('announce', { run: () => announce() });
 * });
 */
export function events(instants: readonly (string | Temporal.Instant)[], options: EventsOptions = {}): Timetable {
  const where = 'events()';
  if (!Array.isArray(instants) || instants.length === 0 || instants.length > MAX_TIMETABLE_EVENTS) {
    throw new DefinitionError(where, `give a list of 1 to ${MAX_TIMETABLE_EVENTS} instants and not ${showValue(instants)}`);
  }
  const fields = checkFields(where, 'the options', options, { restrictToEvents: true, description: true });
  const times = instants
    .map((instant: unknown, index) => readInstant(where, instant, index))
    .toSorted((a, b) => Temporal.Instant.compare(a, b));
  return freeze({
    kind: 'events',
    at: [...new Set(times.map((time) => time.toString()))],
    restrictToEvents: readBoolean(where, 'restrictToEvents', fields.restrictToEvents, false),
    ...present({ description: readText(where, 'description', fields.description, MAX_DESCRIPTION_LENGTH) }),
  });
}

const MAX_DESCRIPTION_LENGTH = 1_000;
const MAX_SUMMARY_LENGTH = 250;

/** A run of a timetable of your own. */
export interface TimetableRun {
  /** When it is due. */
  readonly runAfter: Temporal.Instant;
  /** @default `runAfter` */
  readonly logicalDate?: Temporal.Instant;
  /** @default no length, at `logicalDate` */
  readonly dataInterval?: { readonly start: Temporal.Instant; readonly end: Temporal.Instant };
}

/** What a timetable of your own goes by besides the run before. */
export interface TimetableBounds {
  readonly now: Temporal.Instant;
  /** The dag's start date; null where it has none. */
  readonly earliest: Temporal.Instant | null;
  /** The dag's end date; null where it has none. A later run is not made. */
  readonly latest: Temporal.Instant | null;
  /** Whether runs that were missed are wanted. */
  readonly catchup: boolean;
}

/** The code of a timetable. */
export interface TimetableCode {
  /**
   * The run after `last`, or null where there is none. Called for many runs in advance, in a process of its own, with little time and memory; each must be due
   * later than the one before.
   * @param last null for the first run
   */
  readonly next: (last: Required<TimetableRun> | null, bounds: TimetableBounds) => Temporal.Instant | TimetableRun | null;
}

/**
 * Runs when your code says. The environment asks it in advance, so a run is never late because of it; code that throws or does not end gives no runs, and a warning
 * at the dag.
 *
 * @example
 * const tides = timetable({
 *   summary: 'at high tide',
 *   next: (last, { now }) => nextHighTide(last?.runAfter ?? now),
 * });
 * export const harbour = dag('harbour', { schedule: tides }, (d) => { … });
 */
export function timetable(options: TimetableCode & { readonly summary: string }): Timetable {
  const where = 'timetable()';
  const fields = checkFields(where, 'the options', options, { summary: true, next: true });
  const summary = readText(where, 'summary', fields.summary, MAX_SUMMARY_LENGTH) ?? '';
  if (summary.trim() === '')
    throw new DefinitionError(where, "summary is missing; say in a few words when it is due, such as 'at high tide'");
  if (typeof fields.next !== 'function') {
    throw new DefinitionError(
      where,
      `next is ${showValue(fields.next)}; give a function (last, bounds) that returns the next run, or null`,
    );
  }
  return Object.freeze({ ...freeze({ kind: 'custom', summary }), code: Object.freeze({ next: fields.next as TimetableCode['next'] }) });
}

function readCronOptions(where: string, options: unknown): { timezone?: string; intervalMs?: number; runImmediately?: RunImmediately } {
  const fields = checkFields(where, 'the options', options, { timezone: true, interval: true, runImmediately: true });
  return {
    ...present({ timezone: fields.timezone === undefined ? undefined : readTimezone(where, 'timezone', fields.timezone) }),
    ...readInterval(where, fields.interval),
    ...present({ runImmediately: readRunImmediately(where, fields.runImmediately) }),
  };
}

function readInterval(where: string, value: unknown): { intervalMs?: number } {
  if (value === undefined || value === false) return {};
  return present({ intervalMs: readDuration(where, 'interval', value) });
}

function readRunImmediately(where: string, value: unknown): RunImmediately | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return 'always';
  if (value === null) return 'if_recent';
  return { withinMs: readDuration(where, 'runImmediately', value) ?? 0 };
}

function readInstant(where: string, value: unknown, index: number): Temporal.Instant {
  if (value instanceof Temporal.Instant) return value.round({ smallestUnit: 'millisecond', roundingMode: 'floor' });
  try {
    if (typeof value === 'string') return Temporal.Instant.from(value).round({ smallestUnit: 'millisecond', roundingMode: 'floor' });
  } catch {
    // What it should have been follows.
  }
  throw new DefinitionError(
    where,
    `instant ${index + 1} is ${showValue(value)}; use a time with its offset, such as '2026-03-17T09:00+01:00', or a Temporal.Instant`,
  );
}

function freeze(spec: TimetableSpec): Timetable {
  return Object.freeze(
    Object.defineProperty({ spec: deepFreeze(spec) }, TIMETABLE, { value: true, enumerable: true }),
  ) as unknown as Timetable;
}
