import { FailTask } from '../../../errors.ts';
import { readWholeNumber } from '../../check-fields.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';
import { readBashOptions, readEnd, runRendered, type BashOptions } from '../bash.ts';

/** What a bash sensor runs. */
export interface BashSensorOptions extends BashOptions {
  /** The exit code that means "not yet"; any other but 0 is then an error. @default every code but 0 means "not yet" */
  readonly retryExitCode?: number;
}

/**
 * Runs a bash script until it ends with exit code 0. The script is told as that of `bash()`.
 *
 * @example
 * d.sensor('table_filled', { ...bashSensor({ command: 'test -s /data/orders.csv' }), pokeInterval: { seconds: 30 } });
 */
export function bashSensor({ retryExitCode, ...options }: BashSensorOptions): SensorOperatorSpec<Promise<boolean>> {
  const where = 'bashSensor()';
  const checked = readBashOptions(options, where);
  const limits = { minimum: 1, maximum: 255, otherwise: 0 };
  const waitsFor = readWholeNumber(where, 'retryExitCode', retryExitCode, limits);
  return {
    operator: 'bash_sensor',
    fields: { ...checked, ...(waitsFor === 0 ? {} : { retryExitCode: waitsFor }) },
    templateFields: Object.keys(checked),
    async poke(inputs, context) {
      const end = await runRendered({ ...checked, ...context.fields }, inputs, context);
      if (end.exitCode === 0) return true;
      if (end.exitCode === null) throw new FailTask(`the script was ended by ${String(end.signal)}`);
      if (waitsFor !== 0 && end.exitCode !== waitsFor) readEnd(end);
      return false;
    },
  };
}
