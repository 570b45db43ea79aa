/** Choices: a branch follows some of what is below it, a short circuit all of it or nothing. */
import { dag } from '@tradewind/sdk';

export const branches = dag('engine_branches', { tags: ['example'], params: { rows: { type: 'integer', default: 5 } } }, (d) => {
  const rows = d.task('count', { run: (_, { params }) => params.rows });
  const anyRows = d.shortCircuit('any_rows', { inputs: { rows }, run: ({ rows }) => rows > 0 });

  const size = d.branch('size', {
    inputs: { rows },
    after: [anyRows],
    choices: ['big', 'small'],
    run: ({ rows }) => (rows > 1_000 ? 'big' : 'small'),
  });
  const big = d.task('load_in_parts', { after: [size.choice('big')], run: () => 'in parts' });
  const small = d.task('load_at_once', { after: [size.choice('small')], run: () => 'at once' });

  d.task('report', {
    inputs: { big, small },
    triggerRule: 'none_failed_min_one_success',
    run: ({ big, small }) => `loaded ${big ?? small ?? 'nothing'}`,
  });

  const newest = d.latestOnly('newest', { after: [big, small], triggerRule: 'none_failed' });
  d.task('refresh_dashboard', { after: [newest], skipIf: ({ params }) => params.rows === 1, run: () => 'refreshed' });
});
