/** Setups and teardowns: what was made is taken away, however the work between went. */
import { dag } from '@tradewind/sdk';

export const setups = dag('engine_setups', { tags: ['example'] }, (d) => {
  const table = d.setup('create_table', { run: (_, { runId }) => `staging_${runId.replaceAll(/\W/g, '_')}` });
  const drop = d.teardown('drop_table', {
    setups: [table],
    inputs: { table },
    run: ({ table }) => {
      console.log(`drop table ${table}`);
    },
  });

  d.scope({ teardowns: [drop] }, (s) => {
    const rows = s.task('fill', { inputs: { table }, run: ({ table }) => table.length });
    s.task('check', { inputs: { rows }, run: ({ rows }, context) => (rows === 0 ? context.fail('the table is empty') : rows) });
  });
});
