/** Groups: tasks that belong together have one name, and are waited for as one. */
import { dag } from '@tradewind/sdk';

export const groups = dag('engine_groups', { tags: ['example'] }, (d) => {
  const orders = d.task('extract', { run: () => [120, 80, 40] });

  const checks = d.group('checks', { displayName: 'Checks', taskDefaults: { retries: 1 } }, (g) => {
    const sum = g.task('sum', { inputs: { orders }, run: ({ orders }) => orders.reduce((total, order) => total + order, 0) });
    g.task('none_is_negative', {
      inputs: { orders },
      run: ({ orders }, context) => (orders.some((order) => order < 0) ? context.fail('an order is negative') : true),
    });
    return { sum };
  });

  d.task('load', { after: [checks], inputs: { sum: checks.refs.sum }, run: ({ sum }) => `loaded ${sum}` });
});
