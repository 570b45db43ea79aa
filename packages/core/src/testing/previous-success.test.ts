import { dag, type OperatorSpec } from '@tradewind/sdk';
import { expect, test } from 'vitest';
import { testEnvironment } from './index.ts';

const say = (text: string): OperatorSpec<string> => ({
  operator: 'say',
  fields: { text },
  templateFields: ['text'],
  run: (_inputs, { fields }) => fields['text'] as string,
});

test('a template reads the dates of the last run that succeeded before', async () => {
  const orders = dag('orders', { schedule: '@daily', startDate: '2026-01-01T00:00Z' }, (d) => {
    const said = d.task('say', say('{{ ds }} after {{ prev_data_interval_end_success | default: "none" }}'));
    d.task('check', {
      inputs: { said },
      run({ said }) {
        if (said.startsWith('2026-01-03')) throw new Error('a bad day');
      },
    });
  });
  await using env = await testEnvironment({ now: '2026-01-01T00:00Z', dags: [orders] });
  await env.clock.advance({ days: 4, minutes: 1 });
  const runs = await env.runs(orders);
  expect(runs.map((run) => [run.state, run.task('say').value])).toEqual([
    ['success', '2026-01-01 after none'],
    ['success', '2026-01-02 after 2026-01-01T00:00:00+00:00'],
    ['failed', '2026-01-03 after 2026-01-02T00:00:00+00:00'],
    ['success', '2026-01-04 after 2026-01-02T00:00:00+00:00'],
    ['success', '2026-01-05 after 2026-01-04T00:00:00+00:00'],
  ]);
});
