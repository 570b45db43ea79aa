import { timetableOf, type SerializedDag, type SerializedTimetable } from '@tradewind/protocol';
import { findScheduleProblem } from './find-schedule-problem.ts';
import { createTicks, type Ticks, type TickingTimetable } from './ticks.ts';

/** What the next run of a dag depends on; a serialized dag has the first five. */
export interface NextRunInput extends Pick<SerializedDag, 'schedule' | 'catchup' | 'startDate' | 'endDate' | 'allowedRunTypes'> {
  /** Logical date of the latest scheduled run, in milliseconds since the epoch; undefined where there was none. */
  readonly lastLogicalAt?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A run of a timetable; all times are milliseconds since the epoch. */
export interface NextRun {
  readonly logicalAt: number;
  readonly runAfterAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
}

/**
 * Decides which scheduled run comes next, as Airflow's timetables do.
 *
 * With catchup it is the first one after the latest scheduled run and not before the start date; every other missed one follows it. Without, of those that were
 * missed only the latest is run, at once, also for a new dag whose start date has passed. The code of a `custom` timetable is asked elsewhere, ahead of time.
 *
 * @returns undefined where no clock starts the dag or it takes no scheduled runs, where its end date comes first, or where the schedule cannot be read (`findScheduleProblem`)
 */
export function decideNextRun(input: NextRunInput): NextRun | undefined {
  const timetable = timetableOf(input.schedule);
  if (timetable === undefined || findScheduleProblem(timetable) !== undefined || !takesScheduledRuns(input)) return undefined;
  const bounds = { ...input, startAt: epochMs(input.startDate), endAt: epochMs(input.endDate) ?? Number.POSITIVE_INFINITY };
  const dueAt = findDueAt(timetable, bounds);
  if (dueAt === undefined) return undefined;
  const run = runDueAt(timetable, dueAt);
  // Of a data interval it is the start that the end date bounds, of all others the run itself (Airflow's `restriction.latest`).
  return run !== undefined && run.logicalAt > bounds.endAt ? undefined : run;
}

/** Whether the dag's author lets a clock start it. */
export function takesScheduledRuns({ allowedRunTypes }: Pick<SerializedDag, 'allowedRunTypes'>): boolean {
  return allowedRunTypes === undefined || allowedRunTypes.includes('scheduled');
}

/**
 * The run that a timetable has at a due time.
 * @returns undefined for a `custom` timetable, whose runs only its code can tell
 */
export function runDueAt(timetable: SerializedTimetable, dueAt: number): NextRun | undefined {
  switch (timetable.kind) {
    case 'custom':
      return undefined;
    case 'cron':
    case 'crons':
    case 'delta':
      return { ...runAt(dueAt), intervalStartAt: dueAt - (timetable.intervalMs ?? 0) };
    case 'delta_interval':
      return intervalRun(dueAt - timetable.everyMs, dueAt);
    case 'cron_interval':
      return intervalRun(createTicks(timetable).previousAtOrBefore(dueAt - 1) ?? dueAt, dueAt);
    case 'events':
    case 'once':
    case 'continuous':
      return runAt(dueAt);
  }
}

/** A run at an instant, with a data interval of no length. */
export function runAt(at: number): NextRun {
  return { logicalAt: at, runAfterAt: at, intervalStartAt: at, intervalEndAt: at };
}

function intervalRun(startAt: number, endAt: number): NextRun {
  return { logicalAt: startAt, runAfterAt: endAt, intervalStartAt: startAt, intervalEndAt: endAt };
}

interface Bounds {
  readonly catchup: boolean;
  readonly startAt: number | undefined;
  readonly endAt: number;
  readonly lastLogicalAt?: number | undefined;
  readonly now: number;
}

function findDueAt(timetable: SerializedTimetable, bounds: Bounds): number | undefined {
  const { startAt, lastLogicalAt, now } = bounds;
  switch (timetable.kind) {
    case 'custom':
      return undefined;
    case 'once':
      return lastLogicalAt === undefined ? (startAt ?? now) : undefined;
    case 'continuous':
      return Math.max(startAt ?? now, now);
    case 'cron_interval':
    case 'delta_interval':
      return findIntervalEnd(createTicks(timetable), bounds, timetable);
    case 'cron':
    case 'crons':
    case 'delta':
    case 'events':
      return findTick(createTicks(timetable), bounds, timetable);
  }
}

/** The next tick of a timetable that runs at its ticks. The latest run's logical date is its tick. */
function findTick(ticks: Ticks, bounds: Bounds, timetable: TickingTimetable): number | undefined {
  const { catchup, startAt, lastLogicalAt, now } = bounds;
  const candidate = firstCandidate(ticks, bounds, timetable);
  if (catchup || candidate === undefined) return candidate;
  const isNew = startAt === undefined && lastLogicalAt === undefined;
  return isNew ? candidate : Math.max(candidate, ticks.previousAtOrBefore(now) ?? candidate);
}

function firstCandidate(ticks: Ticks, { startAt, lastLogicalAt, now }: Bounds, timetable: TickingTimetable): number | undefined {
  if (lastLogicalAt === undefined) return startAt === undefined ? firstWithoutStart(ticks, timetable, now) : ticks.nextAtOrAfter(startAt);
  const next = ticks.nextAfter(lastLogicalAt);
  return next === undefined || startAt === undefined || next >= startAt ? next : ticks.nextAtOrAfter(startAt);
}

/** A share of the time between two ticks within which the earlier one counts as recent, and the least that it is (Airflow's `_calc_first_run`). */
const RECENT_SHARE = 10;
const RECENT_MS = 300_000;

/** The first tick of a dag that nothing dates: the next one, or the one before where the author says so. */
function firstWithoutStart(ticks: Ticks, timetable: TickingTimetable, now: number): number | undefined {
  const next = ticks.nextAtOrAfter(now);
  const runImmediately = timetable.kind === 'cron' || timetable.kind === 'crons' ? timetable.runImmediately : undefined;
  const previous = runImmediately === undefined ? undefined : ticks.previousAtOrBefore(now);
  if (runImmediately === undefined || previous === undefined) return next;
  if (runImmediately === 'always') return previous;
  const gapMs = (next ?? now) - previous;
  const recentMs = runImmediately === 'if_recent' ? Math.max(gapMs / RECENT_SHARE, RECENT_MS) : runImmediately.withinMs;
  return now - previous <= recentMs ? previous : next;
}

/** The end of the next data interval. The latest run's logical date is the start of its interval. */
function findIntervalEnd(ticks: Ticks, bounds: Bounds, timetable: TickingTimetable): number | undefined {
  const { catchup, startAt, lastLogicalAt, now } = bounds;
  const isFollowed = catchup && (startAt !== undefined || lastLogicalAt !== undefined);
  const earliest = isFollowed ? startAt : latestWholeInterval(ticks, timetable, now);
  const bound = Math.max(earliest ?? -Infinity, startAt ?? -Infinity);
  const first = bound === -Infinity ? undefined : ticks.nextAtOrAfter(bound);
  const lastEnd = lastLogicalAt === undefined ? undefined : ticks.nextAfter(lastLogicalAt);
  // The schedule may have changed since the last run: an interval begins at a tick.
  const follows = lastEnd === undefined ? undefined : ticks.previousAtOrBefore(lastEnd);
  const start = Math.max(first ?? -Infinity, follows ?? -Infinity);
  return start === -Infinity ? undefined : ticks.nextAfter(start);
}

/** The start of the latest interval that has ended; of a delta, which no clock aligns, the one that ends now. */
function latestWholeInterval(ticks: Ticks, timetable: TickingTimetable, now: number): number | undefined {
  if (timetable.kind === 'delta_interval') return now - timetable.everyMs;
  const end = ticks.previousAtOrBefore(now);
  return end === undefined ? undefined : ticks.previousAtOrBefore(end - 1);
}

/**
 * The data interval of a run that somebody asks for by hand (Airflow's `infer_manual_data_interval`).
 * @param at the run's logical date, or when it is to run
 */
export function decideManualInterval(
  timetable: SerializedTimetable | undefined,
  at: number,
): { readonly startAt: number; readonly endAt: number } {
  const run =
    timetable === undefined || findScheduleProblem(timetable) !== undefined ? undefined : runDueAt(timetable, alignByHand(timetable, at));
  return run === undefined ? { startAt: at, endAt: at } : { startAt: run.intervalStartAt, endAt: run.intervalEndAt };
}

/** The due time whose data interval a run by hand is given: its own, or that of the latest tick before it. */
function alignByHand(timetable: SerializedTimetable, at: number): number {
  if (timetable.kind === 'cron_interval') return createTicks(timetable).previousAtOrBefore(at) ?? at;
  if (timetable.kind !== 'events' || !timetable.restrictToEvents) return at;
  const ticks = createTicks(timetable);
  return ticks.previousAtOrBefore(at) ?? ticks.nextAtOrAfter(at) ?? at;
}

function epochMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Temporal.Instant.from(instant).epochMilliseconds;
}
