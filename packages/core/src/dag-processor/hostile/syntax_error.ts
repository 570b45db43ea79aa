import { dag } from '@tradewind/sdk';
export const broken = dag('broken', (d) => {
  d.task('one', { run: () => 1 );
});
