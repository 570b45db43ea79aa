import { DefinitionError, FailTask } from '../../../errors.ts';
import { checkFields, readBoolean } from '../../check-fields.ts';
import { readTimezone } from '../../read-timezone.ts';
import { showNames, showValue } from '../../show-value.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';
import { timeOfTry } from '../../time-of-try.ts';

const WEEK_DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
/** A day of the week. */
export type WeekDay = (typeof WEEK_DAYS)[number];

/** What a day-of-week sensor waits for. */
export interface DayOfWeekSensorOptions {
  /** One day, or several of which any will do. */
  readonly weekDay: WeekDay | readonly WeekDay[];
  /** Looks at the run's logical date and not at today. @default false */
  readonly useTaskLogicalDate?: boolean;
  /** Whose days they are, an IANA name. @default 'UTC' */
  readonly timezone?: string;
}

/**
 * Waits until it is one of some days of the week.
 *
 * @example
 * d.sensor('weekend', { ...dayOfWeekSensor({ weekDay: ['saturday', 'sunday'] }), mode: 'reschedule', pokeInterval: { hours: 1 } });
 */
export function dayOfWeekSensor(options: DayOfWeekSensorOptions): SensorOperatorSpec<boolean> {
  const where = 'dayOfWeekSensor()';
  const fields = checkFields(where, 'its options', options, { weekDay: true, useTaskLogicalDate: true, timezone: true });
  const weekDays = readWeekDays(where, fields.weekDay);
  const usesLogicalDate = readBoolean(where, 'useTaskLogicalDate', fields.useTaskLogicalDate, false);
  const timezone = fields.timezone === undefined ? 'UTC' : readTimezone(where, 'timezone', fields.timezone);
  return {
    operator: 'day_of_week_sensor',
    fields: { weekDays, useTaskLogicalDate: usesLogicalDate, timezone },
    poke(_, context) {
      const { logicalDate } = context;
      if (usesLogicalDate && logicalDate === null) throw new FailTask('the run has no logical date; leave out useTaskLogicalDate');
      const at = usesLogicalDate && logicalDate !== null ? logicalDate : Temporal.Instant.fromEpochMilliseconds(timeOfTry(context));
      const today = WEEK_DAYS[at.toZonedDateTimeISO(timezone).dayOfWeek - 1];
      return today !== undefined && weekDays.includes(today);
    },
  };
}

function readWeekDays(where: string, value: unknown): readonly WeekDay[] {
  const days: readonly unknown[] = Array.isArray(value) ? value : [value];
  const bad = days.find((day) => !WEEK_DAYS.some((known) => known === day));
  if (bad === undefined && days.length > 0 && value !== undefined) return [...new Set(days as readonly WeekDay[])];
  throw new DefinitionError(where, `weekDay is ${showValue(value)}; use ${showNames(WEEK_DAYS)}, or a list of them`);
}
