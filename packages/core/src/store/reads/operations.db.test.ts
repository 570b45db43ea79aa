import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { readHeartbeats } from './health.ts';
import { IMPORT_ERROR_ORDER, listImportErrors, type ImportErrorFilter } from './import-errors.ts';
import { listQuarantine } from './quarantine.ts';
import type { Page } from './query-parts.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { EXAMPLE_NOW, MINUTE, SECOND } from './testing/example-time.ts';
import { findXCom } from './xcoms.ts';

const WHOLE: Page = { limit: 100, offset: 0 };
const NAMES_OF_ORDERS = Object.keys(IMPORT_ERROR_ORDER) as (keyof typeof IMPORT_ERROR_ORDER)[];

describeDatabases('import errors, values, health and quarantine', (open) => {
  const cases: readonly (readonly [rule: string, filter: Partial<ImportErrorFilter>, expected: readonly string[]])[] = [
    ['shows every import error', {}, ['broken.ts', 'lost/other.ts']],
    ['shows those of files whose dags the caller may read', { readable: ['broken'] }, ['broken.ts']],
    ['hides those of files with other dags, or with none', { readable: ['orders'] }, []],
    ['finds a file', { path: 'lost/other.ts' }, ['lost/other.ts']],
    ['finds files by a pattern', { pathPattern: 'BROKEN' }, ['broken.ts']],
    ['finds files by a prefix', { pathPrefixPattern: 'lost/' }, ['lost/other.ts']],
  ];

  test.each(cases)('%s', async (_rule, filter, expected) => {
    const database = await open();
    await insertExampleRows(database);
    const { rows, total } = await listImportErrors(database, { readable: 'all', ...filter }, WHOLE);
    expect(rows.map((row) => row.path)).toEqual(expected);
    expect(total).toBe(expected.length);
  });

  test.each(NAMES_OF_ORDERS)('orders import errors by %s', async (attribute) => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listImportErrors(database, { readable: 'all' }, WHOLE, [{ attribute, descending: true }]);
    expect(rows).toHaveLength(2);
  });

  test('finds a value by its task instance and its key', async () => {
    const database = await open();
    await insertExampleRows(database);
    const name = { dagId: 'orders', runId: 'scheduled__2026-11-21T09:00:00+00:00', taskId: 'extract', mapIndex: -1 };
    expect(await findXCom(database, name, 'return_value')).toMatchObject({ value: { rows: [1, 2, 3] }, dagDisplayName: 'Orders' });
    expect(await findXCom(database, name, 'other')).toBeUndefined();
    expect(await findXCom(database, { ...name, mapIndex: 0 }, 'return_value')).toBeUndefined();
  });

  test('tells the heartbeat of the process that lives from those of its forerunners', async () => {
    const database = await open();
    await insertExampleRows(database);
    const heartbeats = await readHeartbeats(database);
    expect(heartbeats.toSorted((a, b) => a.kind.localeCompare(b.kind))).toEqual([
      { kind: 'dag_processor', latestAt: EXAMPLE_NOW - 2 * MINUTE, liveAt: EXAMPLE_NOW - 2 * MINUTE },
      { kind: 'scheduler', latestAt: EXAMPLE_NOW - 2 * SECOND, liveAt: EXAMPLE_NOW - 2 * SECOND },
    ]);
  });

  test('lists the quarantine with the bodies as they came, a page at a time', async () => {
    const database = await open();
    await insertExampleRows(database);
    const messages = await listQuarantine(database, { limit: 10 });
    expect(messages).toMatchObject([{ messageId: 'm-2', body: '{"specversion":"1.0"}' }]);
    expect(await listQuarantine(database, { limit: 10, before: messages[0]?.id })).toEqual([]);
  });
});
