import { expect, test } from 'vitest';
import type { Database, SqlValue, Statement } from './database.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { serializedTask } from './testing/serialized-dag.ts';
import { storeDag, storeRun } from './testing/stored-run.ts';
import { insert } from './testing/transition-fixtures.ts';
import { deleteDag, KEPT_TABLES_OF_DAG } from './transitions/delete-dag.ts';
import { deleteDagRun } from './transitions/delete-dag-run.ts';
import { CLEANABLE_TABLES, deleteOldRows } from './transitions/delete-old-rows.ts';

/** A column of a table, as the database describes it. */
interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  /** Whether a row without it is refused. */
  readonly isNeeded: number;
}

/** Tables whose rows the fixtures and the first rows store. */
const STORED = new Set(['dag', 'dag_version', 'dag_run', 'task_instance', 'xcom', 'asset', 'asset_event', 'backfill']);

/** Rows that stay when their run goes, for the reasons in rows-of-dag-run.ts. */
const KEPT_OF_RUN = ['backfill_dag_run', 'secret_fetch'];

const OWN = { dag: 'orders', run: 'run', number: 1 } as const;
const OTHER = { dag: 'others', run: 'other', number: 2 } as const;
type Owner = typeof OWN | typeof OTHER;

async function readColumns(database: Database): Promise<readonly Column[]> {
  const catalog: Statement<Column> = {
    name: 'test_columns',
    text: ({ dialect }) =>
      dialect === 'sqlite'
        ? `select tables.name as "table", columns.name as name, lower(columns.type) as type,
             (columns."notnull" or columns.pk > 0) and columns.dflt_value is null and not (columns.name = 'id' and lower(columns.type) = 'integer') as "isNeeded"
           from sqlite_master as tables join pragma_table_info(tables.name) as columns
           where tables.type = 'table' and tables.name not like 'sqlite%'`
        : `select table_name as "table", column_name as name, data_type as type,
             case when is_nullable = 'NO' and column_default is null and is_identity = 'NO' then 1 else 0 end as "isNeeded"
           from information_schema.columns where table_schema = 'public'`,
    values: [],
  };
  const [columns] = await database.batch([catalog]);
  return columns;
}

/** What a column names, or undefined. A column that names a run, a task instance or a dag ends so, whatever comes before. */
function nameIn(column: string, { dag, run, number }: Owner): SqlValue | undefined {
  if (column.endsWith('dag_run_id')) return run;
  if (column.endsWith('task_instance_id')) return `${run}.a`;
  if (column.endsWith('dag_id')) return dag;
  if (column === 'run_id') return run;
  if (column === 'event_key') return `event of ${run}`;
  if (column === 'asset_id' || column === 'asset_alias_id' || column === 'backfill_id') return number;
  return undefined;
}

const namesSomething = ({ name }: Column): boolean => /(?:dag_run|task_instance|dag)_id$/.test(name);

/** Both dags with a run that has ended, and a row for each in every table that names a run, a task instance or a dag. */
async function fill(database: Database): Promise<readonly Column[]> {
  const columns = await readColumns(database);
  const byTable = Map.groupBy(columns, ({ table }) => table);
  for (const owner of [OWN, OTHER]) {
    const { dag, run } = owner;
    const dagVersionId = await storeDag(database, [serializedTask('a')], 'one', dag);
    await storeRun(database, { id: run, dagId: dag, dagVersionId, state: 'success', instances: { a: 'success' } });
    await database.batch([
      insert('asset', { name: dag, uri: dag, asset_group: 'asset', event_type: dag, created_at: 0, updated_at: 0 }),
      insert('asset_alias', { name: dag, created_at: 0 }),
    ]);
    const names = (table: string) => namesFor(byTable.get(table) ?? [], owner);
    const known = { event_key: `event of ${run}`, dag_version_id: dagVersionId };
    for (const table of ['asset_event', 'backfill']) await insertRow(database, byTable.get(table) ?? [], { ...known, ...names(table) });
    for (const [table, described] of byTable) {
      if (STORED.has(table) || !described.some(namesSomething)) continue;
      await insertRow(database, described, { ...known, ...names(table) });
    }
  }
  return columns;
}

function namesFor(columns: readonly Column[], owner: Owner): Readonly<Record<string, SqlValue>> {
  return Object.fromEntries(
    columns.flatMap(({ name }) => {
      const value = nameIn(name, owner);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

let rows = 0;

async function insertRow(database: Database, columns: readonly Column[], known: Readonly<Record<string, SqlValue>>): Promise<void> {
  rows += 1;
  const values = columns.flatMap(({ name, type, isNeeded }): [string, SqlValue][] => {
    if (name in known) return [[name, known[name] ?? null]];
    return isNeeded === 1 ? [[name, type === 'text' ? `row ${rows}` : rows]] : [];
  });
  const [first] = columns;
  const row = insert(first?.table ?? '', Object.fromEntries(values));
  await database.batch([{ ...row, name: `test_fill_${first?.table}` }]);
}

/** Tables that still name the owner in a column of this kind. */
async function tablesNaming(database: Database, columns: readonly Column[], owner: Owner, kind: RegExp): Promise<readonly string[]> {
  const naming = new Set<string>();
  for (const { table, name } of columns.filter((column) => kind.test(column.name))) {
    const select: Statement<{ one: number }> = {
      name: `test_naming_${table}_${name}`,
      text: () => `select 1 as one from ${table} where ${name} = $1`,
      values: [nameIn(name, owner) ?? null],
    };
    const [found] = await database.batch([select]);
    if (found.length > 0) naming.add(table);
  }
  return [...naming].toSorted();
}

const OF_RUN = /(?:dag_run|task_instance)_id$/;
const OF_DAG = /dag_id$/;

describeDatabases('what belongs to a run', (open) => {
  test('goes with the run, whichever table it is in, and nothing of another run', async () => {
    const database = await open();
    const columns = await fill(database);
    const others = await tablesNaming(database, columns, OTHER, OF_RUN);
    expect(others.length).toBeGreaterThan(KEPT_OF_RUN.length);
    expect(await deleteDagRun(database, OWN.run)).toBe('deleted');
    expect(await tablesNaming(database, columns, OWN, OF_RUN)).toEqual(KEPT_OF_RUN);
    expect(await tablesNaming(database, columns, OTHER, OF_RUN)).toEqual(others);
  });

  test('goes with the dag, but for what others did with it', async () => {
    const database = await open();
    const columns = await fill(database);
    const others = await tablesNaming(database, columns, OTHER, OF_DAG);
    expect(await deleteDag(database, OWN.dag, 5_000)).toMatchObject({ outcome: 'deleted' });
    expect(await tablesNaming(database, columns, OWN, OF_RUN)).toEqual(['secret_fetch']);
    expect(await tablesNaming(database, columns, OWN, OF_DAG)).toEqual([...KEPT_TABLES_OF_DAG, 'asset_event'].toSorted());
    expect(await tablesNaming(database, columns, OTHER, OF_DAG)).toEqual(others);
  });

  test('goes with old runs that are cleaned away, and so do the records of who read a secret', async () => {
    const database = await open();
    const columns = await fill(database);
    await deleteOldRows(database, { before: 1_000_000, tables: CLEANABLE_TABLES, dagIds: [OWN.dag], excludedDagIds: [], batchSize: 10 });
    expect(await tablesNaming(database, columns, OWN, OF_RUN)).toEqual(['backfill_dag_run']);
    expect(await tablesNaming(database, columns, OTHER, OF_RUN)).toContain('secret_fetch');
  });
});
