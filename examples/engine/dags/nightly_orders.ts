import { dag, deadline } from '@tradewind/sdk';

/** Whom to tell; the test of this dag listens here. */
export const late: string[] = [];

/** Loads the orders of each night, from a shop that is not always there, and should be done by two. */
export const nightlyOrders = dag(
  'nightly_orders',
  {
    schedule: '@daily',
    startDate: '2026-01-02T00:00Z',
    deadlines: [
      {
        name: 'done by two',
        reference: deadline.logicalDate(),
        interval: { hours: 2 },
        callback: ({ runId, deadlineAt }) => void late.push(`${runId} was to be done at ${String(deadlineAt)}`),
      },
    ],
  },
  (d) => {
    const rows = d.task('extract', { retries: 3, retryDelay: { hours: 1 }, run: () => [12, 30] });
    const total = d.task('total', { inputs: { rows }, run: ({ rows }) => rows.reduce((sum, row) => sum + row, 0) });
    d.task('load', { inputs: { total }, run: ({ total }, { log }) => log.info('loaded', { total }) });
  },
);
