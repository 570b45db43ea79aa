import { dag } from '@tradewind/sdk';
export const good = dag('good', (d) => {
  d.task('one', { run: () => 1 });
});
