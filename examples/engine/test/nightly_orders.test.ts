import { testEnvironment } from '@tradewind/core/testing';
import type { TaskContext } from '@tradewind/sdk';
import { expect, test } from 'vitest';
import { late, nightlyOrders } from '../dags/nightly_orders.ts';

/** A shop that is away for a moment each night, and for long in one of them. */
function extract(_inputs: unknown, { logicalDate, tryNumber }: TaskContext): readonly number[] {
  const isBadNight = logicalDate?.toString() === '2026-03-29T00:00:00Z';
  if (tryNumber <= (isBadNight ? 3 : 1)) throw new Error('the shop does not answer');
  return [12, 30];
}

test('a year of nights loads every order, and is late once', async () => {
  await using env = await testEnvironment({ now: '2026-01-01T00:00Z', dags: [nightlyOrders], fakes: { nightly_orders: { extract } } });
  await env.clock.advance({ days: 365, hours: 1 });

  const runs = await env.runs(nightlyOrders);
  expect(runs).toHaveLength(365);
  expect(runs.every(({ state, tasks }) => state === 'success' && tasks['total']?.value === 42)).toBe(true);
  expect(runs.filter((run) => run.task('extract').tries > 2).map(({ logicalDate }) => String(logicalDate))).toEqual([
    '2026-03-29T00:00:00Z',
  ]);
  expect((await env.missedDeadlines()).map(({ runId }) => runId)).toEqual(['scheduled__2026-03-29T00:00:00+00:00']);
  expect(late).toEqual(['scheduled__2026-03-29T00:00:00+00:00 was to be done at 2026-03-29T02:00:00Z']);
});
