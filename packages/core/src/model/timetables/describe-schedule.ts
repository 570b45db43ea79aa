import { assetScheduleOf, timetableOf, type SerializedSchedule, type SerializedTimetable } from '@tradewind/protocol';
import { summariseAssetSchedule } from '../asset-condition.ts';

/** Says in one line what starts a dag, for lists; null for nothing. */
export function summariseSchedule(schedule: SerializedSchedule): string | null {
  const parts = [mapDefined(timetableOf(schedule), summariseTimetable), mapDefined(assetScheduleOf(schedule), summariseAssetSchedule)];
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? null : present.join(' or ');
}

/** Airflow's summary of a timetable: the cron text, `Asset`, and so on; null where nothing starts the dag on its own. */
export function nameTimetable(schedule: SerializedSchedule): string | null {
  const clock = mapDefined(timetableOf(schedule), nameClock);
  if (assetScheduleOf(schedule) === undefined) return clock ?? null;
  return clock === undefined ? 'Asset' : `Asset or ${clock}`;
}

function mapDefined<Value, Result>(value: Value | undefined, map: (value: Value) => Result): Result | undefined {
  return value === undefined ? undefined : map(value);
}

function nameClock(timetable: SerializedTimetable): string {
  switch (timetable.kind) {
    case 'cron':
    case 'cron_interval':
      return timetable.expression;
    case 'crons':
      return timetable.expressions.join(', ');
    case 'delta':
    case 'delta_interval':
      return describeLength(timetable.everyMs);
    case 'events':
      return timetable.description ?? `${timetable.at.length} events`;
    case 'once':
    case 'continuous':
      return `@${timetable.kind}`;
    case 'custom':
      return timetable.summary;
  }
}

function summariseTimetable(timetable: SerializedTimetable): string {
  const name = nameClock(timetable);
  if ('everyMs' in timetable) return `every ${name}`;
  return 'timezone' in timetable && timetable.timezone !== 'UTC' ? `${name} ${timetable.timezone}` : name;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** A length of time in the units that it has: `1 d 12 h`. */
function describeLength(lengthMs: number): string {
  let restMs = lengthMs;
  const parts: string[] = [];
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}
