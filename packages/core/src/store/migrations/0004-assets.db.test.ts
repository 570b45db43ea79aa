import { expect, test } from 'vitest';
import type { Statement } from '../database.ts';
import { migrate } from '../migrate.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedAsset, serializedDag } from '../testing/serialized-dag.ts';
import { insert } from '../testing/transition-fixtures.ts';
import { assets } from './0004-assets.ts';

describeDatabases('the migration of assets', (open) => {
  test('takes over what the dags of an older database describe', async () => {
    const database = await open();
    await migrate(database, 0);
    const dag = serializedDag({ dagId: 'orders', assets: [serializedAsset('a', { uri: 's3://a' }), serializedAsset('b')] });
    const version = { id: 'v', dag_id: 'orders', version_number: 1, content_hash: '0', bundle_version: '0', created_at: 0 };
    const limits = { max_active_runs: 1, max_active_tasks: 1, catchup: 0, parse_ms: 1 };
    const about = { file: 'f.ts', dag_version_id: 'v', bundle_version: '0', tags: '[]', schedule: '{"kind":"none"}' };
    await database.batch([
      insert('dag_version', { ...version, serialized: JSON.stringify(dag) }),
      insert('dag', { dag_id: 'orders', is_paused: 0, is_stale: 0, parsed_at: 7, created_at: 0, ...limits, ...about }),
    ]);
    const takeOver = assets.statements(database.dialect).find((text) => text.startsWith('insert into dag_asset')) ?? '';
    await database.batch([{ name: 'take_over', text: () => takeOver, values: [] } satisfies Statement<never>]);
    const rows = await database.reads.selectFrom('dagAsset').select(['dagId', 'name', 'uri', 'describedAt']).orderBy('id').execute();
    expect(rows).toEqual([
      { dagId: 'orders', name: 'a', uri: 's3://a', describedAt: 7 },
      { dagId: 'orders', name: 'b', uri: 'b', describedAt: 7 },
    ]);
  });
});
