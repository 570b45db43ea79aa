import { DefinitionError, FailTask } from '../../../errors.ts';
import { checkFields } from '../../check-fields.ts';
import { showValue } from '../../show-value.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';
import { timeOfTry } from '../../time-of-try.ts';

/** What a date-time sensor waits for. */
export interface DateTimeSensorOptions {
  /** An instant, or text of one with an offset; a template, such as `'{{ data_interval_end }}'`. */
  readonly at: string | Temporal.Instant;
}

/**
 * Waits until a moment.
 *
 * @example
 * d.sensor('wait_for_close', { ...dateTimeSensor({ at: '{{ data_interval_end }}' }), mode: 'reschedule' });
 */
export function dateTimeSensor(options: DateTimeSensorOptions): SensorOperatorSpec<boolean> {
  const { at } = checkFields('dateTimeSensor()', 'its options', options, { at: true });
  const text = at instanceof Temporal.Instant ? at.toString() : at;
  if (typeof text !== 'string' || text.trim() === '') {
    throw new DefinitionError('dateTimeSensor()', `at is ${showValue(at)}; give an instant, such as '2026-01-31T06:00Z'`);
  }
  return {
    operator: 'date_time_sensor',
    fields: { at: text },
    templateFields: ['at'],
    poke: (_, context) => timeOfTry(context) >= readInstant(context.fields['at']).epochMilliseconds,
  };
}

function readInstant(text: unknown): Temporal.Instant {
  try {
    return Temporal.Instant.from(String(text).trim());
  } catch {
    throw new FailTask(`at is ${showValue(text)}, which is no instant; give one with an offset, such as '2026-01-31T06:00Z'`);
  }
}
