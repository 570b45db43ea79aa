import { beforeEach, expect, test } from 'vitest';
import type { Connection } from '../../model/connections/connection.ts';
import type { Variable } from '../../model/variables/variable.ts';
import { generateDataKey, generateMasterKey, SecretBox, unwrapDataKey, wrapDataKey } from '../../platform/secret-box.ts';
import type { Database, Statement } from '../database.ts';
import { findConnection, listConnections } from '../reads/connections.ts';
import { readDataKeys } from '../reads/data-keys.ts';
import { listSecretFetches, readNamesGivenFrom } from '../reads/secret-fetches.ts';
import { findVariable, findVariableValue, listVariables, readSealedVariables } from '../reads/variables.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { addDataKey, createFirstDataKey, rewrapDataKey } from './data-keys.ts';
import { deleteConnections } from './delete-connections.ts';
import { deleteVariables } from './delete-variables.ts';
import { KEPT_RUNS, recordRenderedFields } from './record-rendered-fields.ts';
import { recordSecretFetch } from './record-secret-fetch.ts';
import { resealSecrets } from './reseal-secrets.ts';
import { saveConnections } from './save-connections.ts';
import { saveVariables, type OnExisting } from './save-variables.ts';
import { updateConnection } from './update-connection.ts';
import { updateVariable } from './update-variable.ts';

const everything = { filter: {}, page: { limit: 100, offset: 0 }, orderBy: [{ attribute: 'id', descending: false }] } as const;
const attempt = { taskInstanceId: 'instance_1', epoch: 1 };
const warehouse: Connection = {
  connId: 'warehouse',
  connType: 'postgres',
  description: 'of sales',
  host: 'db',
  schema: 'sales',
  login: 'ada',
  password: 'hunter2x',
  port: 5432,
  extra: { sslmode: 'require' },
};

let box: SecretBox;
beforeEach(() => {
  box = new SecretBox([generateDataKey()]);
});

const variable = (key: string, value: string): Variable => ({ key, value, description: null });
const save = async (database: Database, variables: readonly Variable[], onExisting: OnExisting = 'fail'): Promise<string[]> =>
  [...(await saveVariables(database, box, { variables, onExisting, now: 1 }))].toSorted();
const valuesOf = async (database: Database): Promise<unknown[]> =>
  (await listVariables(database, box, everything)).rows.map(({ key, value }) => `${key}=${value}`);
const sql = (text: string): Statement<never> => ({ name: `test_${text}`.slice(0, 60), text: () => text, values: [] });

describeDatabases('variables', (open) => {
  test('are kept sealed and read in the clear', async () => {
    const database = await open();
    await save(database, [variable('region', 'eu-secret-1')]);
    expect(await findVariableValue(database, box, 'region')).toBe('eu-secret-1');
    const [row] = await readSealedVariables(database);
    expect(row?.value).toMatch(/^tw1:/);
    expect(JSON.stringify(row)).not.toContain('eu-secret-1');
    expect(await findVariableValue(database, box, 'other')).toBeUndefined();
  });

  test.each([
    ['fail', [], ['a=1', 'b=2']],
    ['skip', ['c'], ['a=1', 'b=2', 'c=30']],
    ['overwrite', ['b', 'c'], ['a=1', 'b=20', 'c=30']],
  ] as const)('that exist %s', async (onExisting, saved, after) => {
    const database = await open();
    await save(database, [variable('a', '1'), variable('b', '2')]);
    expect(await save(database, [variable('b', '20'), variable('c', '30')], onExisting)).toEqual(saved);
    expect(await valuesOf(database)).toEqual(after);
  });

  test('are changed in what is named, and nothing else', async () => {
    const database = await open();
    await save(database, [{ key: 'a', value: '1', description: 'first' }]);
    const update = (change: object) => updateVariable(database, box, { key: 'a', change, now: 2 });
    expect(await update({ value: '2' })).toEqual({ outcome: 'updated' });
    expect(await findVariable(database, box, 'a')).toEqual({ key: 'a', value: '2', description: 'first' });
    await update({ description: null });
    expect(await findVariable(database, box, 'a')).toEqual({ key: 'a', value: '2', description: null });
    expect(await updateVariable(database, box, { key: 'none', change: { value: '1' }, now: 2 })).toEqual({ outcome: 'not_found' });
  });

  test('are deleted all or none, or those that are there', async () => {
    const database = await open();
    await save(database, [variable('a', '1'), variable('b', '2'), variable('c', '3')]);
    expect(await deleteVariables(database, ['a', 'none'], 'all_or_none')).toEqual([]);
    expect(await deleteVariables(database, ['a', 'a'], 'all_or_none')).toEqual(['a']);
    expect(await deleteVariables(database, ['b', 'none'], 'those_there')).toEqual(['b']);
    expect(await valuesOf(database)).toEqual(['c=3']);
  });

  test('that were moved to another row do not open, and break no list', async () => {
    const database = await open();
    await save(database, [variable('a', '1'), variable('b', '2')]);
    await database.batch([sql(`update variable set value = (select value from variable where key = 'a') where key = 'b'`)]);
    expect(await valuesOf(database)).toEqual(['a=1', 'b=undefined']);
    await expect(findVariableValue(database, box, 'b')).rejects.toMatchObject({ code: 'secret_unreadable' });
  });

  test('are found by pattern and by prefix', async () => {
    const database = await open();
    await save(database, [variable('a_key', '1'), variable('b_key', '2'), variable('other', '3')]);
    const count = async (filter: object) => (await listVariables(database, box, { ...everything, filter })).total;
    expect([await count({ keyPattern: 'KEY' }), await count({ keyPrefixPattern: 'b' })]).toEqual([2, 1]);
  });
});

describeDatabases('connections', (open) => {
  const saveOne = (database: Database, changes: Partial<Connection> = {}, onExisting: OnExisting = 'fail') =>
    saveConnections(database, box, { connections: [{ ...warehouse, ...changes }], onExisting, now: 1 });

  test('keep their password and extra sealed', async () => {
    const database = await open();
    expect(await saveOne(database)).toEqual(['warehouse']);
    expect(await findConnection(database, box, 'warehouse')).toEqual(warehouse);
    const rows = await database.reads.selectFrom('connection').selectAll().execute();
    expect(JSON.stringify(rows)).not.toMatch(/hunter2x|sslmode/);
    expect(JSON.stringify(rows)).toContain('ada');
  });

  test('that exist are left or replaced', async () => {
    const database = await open();
    await saveOne(database);
    expect(await saveOne(database, { host: 'other' })).toEqual([]);
    expect(await saveOne(database, { host: 'other' }, 'skip')).toEqual([]);
    expect(await saveOne(database, { host: 'other', extra: {}, password: null }, 'overwrite')).toEqual(['warehouse']);
    expect(await findConnection(database, box, 'warehouse')).toMatchObject({ host: 'other', extra: {}, password: null });
  });

  test('are changed field by field', async () => {
    const database = await open();
    await saveOne(database);
    const update = (change: object) => updateConnection(database, box, { connId: 'warehouse', change, now: 2 });
    expect(await update({ port: null, password: 'new-password' })).toEqual({ outcome: 'updated' });
    expect(await findConnection(database, box, 'warehouse')).toEqual({ ...warehouse, port: null, password: 'new-password' });
    await update({ extra: { a: 1 }, schema: 'other', connType: 'mysql' });
    expect(await findConnection(database, box, 'warehouse')).toMatchObject({ extra: { a: 1 }, schema: 'other', connType: 'mysql' });
    expect(await updateConnection(database, box, { connId: 'none', change: {}, now: 2 })).toEqual({ outcome: 'not_found' });
  });

  test('are deleted all or none', async () => {
    const database = await open();
    await saveOne(database);
    expect(await deleteConnections(database, ['warehouse', 'none'], 'all_or_none')).toEqual([]);
    expect(await deleteConnections(database, ['warehouse', 'none'], 'those_there')).toEqual(['warehouse']);
    expect((await listConnections(database, box, everything)).total).toBe(0);
  });
});

describeDatabases('data keys', (open) => {
  test('begin with one, whoever is first', async () => {
    const database = await open();
    const master = generateMasterKey();
    const [first, second] = [wrapDataKey(master, generateDataKey()), wrapDataKey(master, generateDataKey())];
    await createFirstDataKey(database, first, 1);
    await createFirstDataKey(database, second, 1);
    expect(await readDataKeys(database)).toEqual([first]);
    await addDataKey(database, second, 2);
    await addDataKey(database, second, 3);
    expect(await readDataKeys(database)).toEqual([first, second]);
  });

  test('are sealed with another master key once', async () => {
    const database = await open();
    const [old, other] = [generateMasterKey(), generateMasterKey()];
    const key = generateDataKey();
    const before = wrapDataKey(old, key);
    await createFirstDataKey(database, before, 1);
    const after = wrapDataKey(other, unwrapDataKey([old], before));
    expect(await rewrapDataKey(database, before, after)).toBe(true);
    expect(await rewrapDataKey(database, before, wrapDataKey(other, key))).toBe(false);
    expect((await readDataKeys(database)).map((wrapped) => unwrapDataKey([other], wrapped))).toEqual([key]);
  });

  test('of a rotation reseal what nobody has changed meanwhile', async () => {
    const database = await open();
    await save(database, [variable('a', '1'), variable('b', '2')]);
    const rows = await readSealedVariables(database);
    await updateVariable(database, box, { key: 'b', change: { value: 'meanwhile' }, now: 2 });
    const values = rows.map(({ key, value }) => ({ id: key, before: value, after: box.seal(`${key} again`, `variable|${key}|value`) }));
    expect(await resealSecrets(database, 'variable.value', values)).toBe(1);
    expect(await valuesOf(database)).toEqual(['a=a again', 'b=meanwhile']);
  });
});

describeDatabases('fetches', (open) => {
  test('are recorded once for each attempt and name, and counted', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running');
    const fetch = { kind: 'variable', name: 'region', outcome: 'given', source: 'environment' } as const;
    expect(await recordSecretFetch(database, attempt, fetch, 5)).toEqual({ outcome: 'recorded' });
    await recordSecretFetch(database, attempt, fetch, 6);
    await recordSecretFetch(database, attempt, { ...fetch, name: 'none', outcome: 'missing', source: null }, 7);
    expect(await listSecretFetches(database, { readable: ['dag_1'], kind: 'variable' }, 10)).toMatchObject([
      { name: 'none', outcome: 'missing', fetches: 1 },
      { name: 'region', outcome: 'given', source: 'environment', taskId: 'task_1', tryNumber: 1, fetches: 2, firstAt: 5, lastAt: 6 },
    ]);
    expect(await readNamesGivenFrom(database, 'environment')).toEqual([{ kind: 'variable', name: 'region' }]);
  });

  test('of an attempt that was replaced are refused', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running', { epoch: 2 });
    const fetch = { kind: 'variable', name: 'region', outcome: 'given', source: 'database' } as const;
    expect(await recordSecretFetch(database, attempt, fetch, 5)).toEqual({ outcome: 'attempt_over' });
  });
});

describeDatabases('rendered fields', (open) => {
  test('are kept for each try, of the last thirty runs', async () => {
    const database = await open();
    await insertDag(database);
    const ids = Array.from({ length: KEPT_RUNS + 2 }, (_, index) => `r${index}`);
    for (const [index, id] of ids.entries()) {
      await insertDagRun(database, id);
      await insertTaskInstance(database, 'running', { id, dag_run_id: id, run_id: id });
      const recorded = await recordRenderedFields(database, { taskInstanceId: id, epoch: 1 }, JSON.stringify({ index }), index);
      expect(recorded).toEqual({ outcome: 'recorded' });
    }
    const kept = await database.reads.selectFrom('renderedTaskInstanceFields').select(['taskInstanceId', 'fields']).execute();
    expect(kept).toHaveLength(KEPT_RUNS);
    const fieldsOf = new Map(kept.map(({ taskInstanceId, fields }) => [taskInstanceId, fields]));
    expect([fieldsOf.get('r1'), fieldsOf.get('r2')]).toEqual([undefined, '{"index":2}']);
  });

  test('of an attempt that is over are refused', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'success');
    expect(await recordRenderedFields(database, attempt, '{}', 1)).toEqual({ outcome: 'attempt_over' });
  });
});

describePostgres('two processes at once', (open) => {
  test('make one first data key', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const master = generateMasterKey();
    await Promise.all([one, other].map((database) => createFirstDataKey(database, wrapDataKey(master, generateDataKey()), 1)));
    expect(await readDataKeys(one)).toHaveLength(1);
  });

  test('create a variable once', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const saved = await Promise.all([one, other].map((database) => save(database, [variable('a', '1')])));
    expect(saved.flat()).toEqual(['a']);
  });
});
