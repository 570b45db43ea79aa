import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { EXAMPLE_NOW } from './testing/example-time.ts';
import { insertRows } from './testing/insert-rows.ts';
import { listTimetableProblems } from './timetable-problems.ts';

describeDatabases('problems of timetables', (open) => {
  test('are listed of dags that the caller may read, as long as the dag has such a timetable', async () => {
    const database = await open();
    await insertExampleRows(database);
    const stock = { bundle_version: 'bundle-1', runs: '[]', is_exhausted: 0, evaluated_at: EXAMPLE_NOW };
    await insertRows(database, 'timetable_stock', [
      { ...stock, dag_id: 'orders', problem: 'no moon' },
      { ...stock, dag_id: 'nightly', problem: 'no moon' },
      { ...stock, dag_id: 'profiles', problem: null },
    ]);
    await database.batch([
      {
        name: 'test_custom_schedule',
        text: () => `update dag set schedule = '{"kind":"custom","summary":"tides"}' where dag_id <> 'nightly'`,
        values: [],
      },
    ]);
    const found = [{ dagId: 'orders', dagDisplayName: 'Orders', problem: 'no moon', evaluatedAt: EXAMPLE_NOW }];
    expect(await listTimetableProblems(database, 'all')).toEqual(found);
    expect(await listTimetableProblems(database, ['orders'])).toEqual(found);
    expect(await listTimetableProblems(database, ['profiles'])).toEqual([]);
  });
});
