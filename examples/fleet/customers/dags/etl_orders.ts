/** The smallest whole pipeline: three tasks, each naming the one before it. Airflow's tutorial has the same one. */
import { dag } from '@tradewind/sdk';

export const etlOrders = dag('etl_orders', { schedule: null, tags: ['example'] }, (d) => {
  const orders = d.task('extract', { run: () => '{"1001": 301.27, "1002": 433.21, "1003": 502.22}' });

  const total = d.task('transform', {
    inputs: { orders },
    run: ({ orders }) => {
      const valueById = JSON.parse(orders) as Record<string, number>;
      return Object.values(valueById).reduce((sum, value) => sum + value, 0);
    },
  });

  d.task('load', {
    inputs: { total },
    run: ({ total }) => {
      console.log(`Total order value is: ${total.toFixed(2)}`);
    },
  });
});
