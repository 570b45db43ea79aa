/** Dynamic mapping: as many task instances as a list has elements, whoever makes the list. */
import { concat, dag, sets, zip } from '@tradewind/sdk';

export const mapping = dag('engine_mapping', { tags: ['example'] }, (d) => {
  const files = d.task('list_files', { run: () => ['orders.csv', 'customers.csv'] });

  const sizes = d.mappedTask('size', {
    expand: { file: concat([files, ['extra.csv']]), unit: ['B', 'kB'] },
    mapIndexTemplate: '{{ file }} in {{ unit }}',
    run: ({ file, unit }) => `${file.length} ${unit}`,
  });
  d.task('list', { inputs: { sizes }, run: ({ sizes }) => sizes.toArray().join(', ') });

  d.mappedTask('rename', { expand: { pair: zip([files, ['o.csv', 'c.csv']]) }, run: ({ pair: [from, to] }) => `${from} → ${to}` });

  const plan = d.task('plan', {
    run: () => [
      { table: 'orders', days: 7 },
      { table: 'customers', days: 30 },
    ],
  });
  d.mappedTask('purge', { expand: sets(plan), run: ({ table, days }) => `delete from ${table} older than ${days} days` });
});

/** A mapped group: each region is read, checked and counted on its own. */
export const mappedGroups = dag('engine_mapped_groups', { tags: ['example'] }, (d) => {
  const regions = d.task('regions', { run: () => ['eu', 'us', 'asia'] });

  const perRegion = d.mappedGroup('per_region', { expand: { region: regions } }, (g, { region }) => {
    const rows = g.task('read', {
      inputs: { region },
      run: ({ region }, context) => (region === 'asia' ? context.skip('closed today') : [region, region]),
    });
    return { count: g.task('count', { inputs: { rows }, run: ({ rows }) => rows.length }) };
  });

  d.task('total', {
    inputs: { counts: perRegion.refs.count },
    triggerRule: 'none_failed_min_one_success',
    run: ({ counts }) => counts?.reduce((sum, count) => sum + count, 0) ?? 0,
  });
});
