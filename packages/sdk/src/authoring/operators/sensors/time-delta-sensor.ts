import type { Duration } from '@tradewind/protocol';
import { DefinitionError } from '../../../errors.ts';
import { checkFields } from '../../check-fields.ts';
import { readDuration } from '../../read-duration.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';
import { timeOfTry } from '../../time-of-try.ts';

/** What a time-delta sensor waits for. */
export interface TimeDeltaSensorOptions {
  /** Counted from the end of the run's data interval; of runs without one from the moment they were due. */
  readonly delta: Duration;
}

/**
 * Waits until some time after the end of the run's data interval, for data that comes late.
 *
 * @example
 * d.sensor('let_it_settle', { ...timeDeltaSensor({ delta: { hours: 2 } }), mode: 'reschedule' });
 */
export function timeDeltaSensor(options: TimeDeltaSensorOptions): SensorOperatorSpec<boolean> {
  const { delta } = checkFields('timeDeltaSensor()', 'its options', options, { delta: true });
  const deltaMs = readDuration('timeDeltaSensor()', 'delta', delta);
  if (deltaMs === undefined) throw new DefinitionError('timeDeltaSensor()', 'delta is missing, such as { delta: { hours: 2 } }');
  return {
    operator: 'time_delta_sensor',
    fields: { deltaMs },
    poke: (_, context) => timeOfTry(context) >= (context.dataInterval?.end ?? context.runAfter).epochMilliseconds + deltaMs,
  };
}
