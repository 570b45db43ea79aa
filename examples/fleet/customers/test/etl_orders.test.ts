import { runDag } from '@tradewind/sdk/testing';
import { expect, test, vi } from 'vitest';
import { etlOrders } from '../dags/etl_orders.ts';

test('etl_orders prints the total of the orders', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  const { state, task } = await runDag(etlOrders);
  expect(state).toBe('success');
  expect(task('transform').value).toBeCloseTo(1236.7, 10);
  expect(print.mock.calls).toEqual([['Total order value is: 1236.70']]);
  print.mockRestore();
});
