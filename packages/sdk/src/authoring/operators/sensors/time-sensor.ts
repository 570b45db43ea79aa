import { DefinitionError } from '../../../errors.ts';
import { checkFields } from '../../check-fields.ts';
import { readTimezone } from '../../read-timezone.ts';
import { showValue } from '../../show-value.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';
import { timeOfTry } from '../../time-of-try.ts';

/** What a time sensor waits for. */
export interface TimeSensorOptions {
  /** A time of day, such as `'06:30'`. */
  readonly at: string | Temporal.PlainTime;
  /** Whose time it is, an IANA name. @default 'UTC' */
  readonly timezone?: string;
}

/**
 * Waits until a time of the current day; past it goes on at once.
 *
 * @example
 * d.sensor('office_hours', { ...timeSensor({ at: '08:00', timezone: 'Europe/Berlin' }), mode: 'reschedule' });
 */
export function timeSensor(options: TimeSensorOptions): SensorOperatorSpec<boolean> {
  const where = 'timeSensor()';
  const fields = checkFields(where, 'its options', options, { at: true, timezone: true });
  const at = readTime(where, fields.at);
  const timezone = fields.timezone === undefined ? 'UTC' : readTimezone(where, 'timezone', fields.timezone);
  return {
    operator: 'time_sensor',
    fields: { at: at.toString(), timezone },
    poke(_, context) {
      const now = Temporal.Instant.fromEpochMilliseconds(timeOfTry(context)).toZonedDateTimeISO(timezone);
      return Temporal.PlainTime.compare(now.toPlainTime(), at) >= 0;
    },
  };
}

function readTime(where: string, value: unknown): Temporal.PlainTime {
  try {
    if (value instanceof Temporal.PlainTime) return value;
    if (typeof value === 'string') return Temporal.PlainTime.from(value);
  } catch {
    // Said below, as for a value of another type.
  }
  throw new DefinitionError(where, `at is ${showValue(value)}; give a time of day, such as '06:30'`);
}
