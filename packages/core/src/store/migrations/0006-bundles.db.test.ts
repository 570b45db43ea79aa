import { expect, test } from 'vitest';
import type { Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { initial } from './0001-initial.ts';
import { bundles } from './0006-bundles.ts';
import type { Migration } from './migration.ts';

describeDatabases(
  'the migration of bundles',
  (open) => {
    test('gives the versions of dags that are there the files of their dags, and an earlier release goes on writing versions', async () => {
      const database = await open();
      const run = (texts: readonly string[], name: string) =>
        database.batch(texts.map((text, index): Statement<never> => ({ name: `${name}_${index}`, text: () => text, values: [] })));
      const apply = (migration: Migration) => run(migration.statements(database.dialect), `test_${migration.name}`);
      await apply(initial);
      const version = (id: string): string =>
        `insert into dag_version (id, dag_id, version_number, content_hash, bundle_version, serialized, created_at) values ('${id}', '${id}', 1, 'x', 'y', '{}', 1)`;
      const dag = `insert into dag (dag_id, file, is_paused, is_stale, dag_version_id, bundle_version, tags, schedule, catchup, max_active_runs,
        max_active_tasks, parsed_at, parse_ms, created_at) values ('orders', 'a/orders.ts', 0, 0, 'orders', 'y', '[]', '{}', 0, 1, 1, 1, 1, 1)`;
      await run([version('orders'), version('deleted'), dag], 'test_before');
      await apply(bundles);
      await run([version('by_earlier_release')], 'test_after');
      const rows = await database.reads.selectFrom('dagVersion').select(['id', 'file', 'bundleName']).orderBy('id').execute();
      expect(rows).toEqual([
        { id: 'by_earlier_release', file: '', bundleName: 'dags-folder' },
        { id: 'deleted', file: '', bundleName: 'dags-folder' },
        { id: 'orders', file: 'a/orders.ts', bundleName: 'dags-folder' },
      ]);
    });
  },
  { isMigrated: false },
);
