import { expect, test } from 'vitest';
import { bashSensor, dag, type BashSensorOptions } from '../../../index.ts';
import { runDag } from '../../../testing/index.ts';

/** Asks once, and says how the sensor ended. */
const ask = async (options: BashSensorOptions) => {
  const once = dag('once', (d) => {
    d.sensor('t', { ...bashSensor(options), timeout: { seconds: 0 } });
  });
  const { state, error } = (await runDag(once)).task('t');
  return { state, message: error?.message ?? '' };
};

test('exit code 0 is found, any other is not yet', async () => {
  expect((await ask({ command: 'true' })).state).toBe('success');
  expect((await ask({ command: 'exit 3' })).message).toContain('found nothing within 0 seconds');
});

test('with an exit code for not yet, any other is an error', async () => {
  expect((await ask({ command: 'exit 3', retryExitCode: 3 })).message).toContain('found nothing');
  expect((await ask({ command: 'echo broken >&2; exit 4', retryExitCode: 3 })).message).toContain('ended with exit code 4');
  expect((await ask({ command: 'kill -9 $$' })).message).toContain('the script was ended by SIGKILL');
});

test('the script is told what a bash task is told', async () => {
  expect((await ask({ command: 'test "$TRADEWIND_TASK_ID$1$X" = tab', args: ['a'], env: { X: 'b' } })).state).toBe('success');
});
