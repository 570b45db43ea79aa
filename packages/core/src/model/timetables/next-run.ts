import type { SerializedDag, SerializedSchedule } from '@tradewind/protocol';
import { isTimezone, nextAfter, previousAtOrBefore } from './cron.ts';
import { parseCron } from './parse-cron.ts';

/** What the next run of a dag depends on; a serialized dag has the first four. */
export interface NextRunInput extends Pick<SerializedDag, 'schedule' | 'catchup' | 'startDate' | 'endDate'> {
  /** Logical date of the latest scheduled run, in milliseconds since the epoch; undefined where there was none. */
  readonly lastLogicalAt?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The next scheduled run; all times are milliseconds since the epoch. */
export interface NextRun {
  readonly logicalAt: number;
  readonly runAfterAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
}

/**
 * Decides which scheduled run comes next, as Airflow 3 does for a cron (`CronTriggerTimetable` without an interval): the logical date is
 * the time at which the run is due, and its data interval has no length.
 *
 * The candidate is the first tick after the latest scheduled run and not before the start date; with neither, the first not before now.
 * With catchup the candidate is the next run, and every other missed one follows it. Without, the latest tick up to now takes its place
 * where that is later: of the ticks that were missed only the latest is run, at once, also for a new dag whose start date has passed.
 *
 * @returns undefined where no clock starts the dag, where its end date comes first, or where the schedule cannot be read (`findScheduleProblem`)
 */
export function decideNextRun(input: NextRunInput): NextRun | undefined {
  const { schedule, endDate } = input;
  if (schedule.kind !== 'cron') return undefined;
  const dueAt = findNextTick(schedule, input);
  if (dueAt === undefined) return undefined;
  if (endDate !== undefined && dueAt > epochMs(endDate)) return undefined;
  return { logicalAt: dueAt, runAfterAt: dueAt, intervalStartAt: dueAt, intervalEndAt: dueAt };
}

/** Says in one line what starts a dag, for lists; null for nothing. */
export function summariseSchedule(schedule: SerializedSchedule): string | null {
  switch (schedule.kind) {
    case 'none':
      return null;
    case 'cron':
      return schedule.timezone === 'UTC' ? schedule.expression : `${schedule.expression} ${schedule.timezone}`;
    case 'asset':
      return `${schedule.any.length === 1 ? 'asset' : 'any of the assets'} ${schedule.any.join(', ')}`;
  }
}

/** Why a schedule cannot be followed, in words for its author; undefined where all is well. */
export function findScheduleProblem(schedule: SerializedSchedule): string | undefined {
  if (schedule.kind !== 'cron') return undefined;
  const parsed = parseCron(schedule.expression);
  if (!parsed.ok) return parsed.message;
  return isTimezone(schedule.timezone)
    ? undefined
    : `there is no time zone ${JSON.stringify(schedule.timezone)}; names look like Europe/Berlin`;
}

type CronSchedule = Extract<SerializedSchedule, { kind: 'cron' }>;

function findNextTick(schedule: CronSchedule, { catchup, startDate, lastLogicalAt, now }: NextRunInput): number | undefined {
  const parsed = parseCron(schedule.expression);
  if (!parsed.ok || !isTimezone(schedule.timezone)) return undefined;
  const { cron } = parsed;
  const candidate = nextAfter(cron, schedule.timezone, latestExcluded(startDate, lastLogicalAt) ?? now - 1);
  if (catchup || candidate === undefined) return candidate;
  return Math.max(candidate, previousAtOrBefore(cron, schedule.timezone, now) ?? candidate);
}

/** The latest instant that is too early for a run; undefined where nothing says. */
function latestExcluded(startDate: string | undefined, lastLogicalAt: number | undefined): number | undefined {
  if (startDate === undefined) return lastLogicalAt;
  const beforeStart = epochMs(startDate) - 1;
  return lastLogicalAt === undefined ? beforeStart : Math.max(beforeStart, lastLogicalAt);
}

function epochMs(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds;
}
