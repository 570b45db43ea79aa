import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { Database, Statement } from '../store/database.ts';
import { openSqliteConnection } from '../store/sqlite-database.ts';
import { describePostgres } from '../store/testing/describe-databases.ts';
import { migrate } from '../store/migrate.ts';
import { createChance } from './testing/chance.ts';
import {
  drawTransaction,
  storeTransactionWorld,
  type DrawnTransaction,
  type SeenInstance,
  type SeenWorld,
} from './testing/random-transactions.ts';

const CONNECTIONS = 4;
const ROUNDS = 25;
const PATIENCE_MS = 240_000;

describePostgres('random transactions', (open) => {
  test.each([1, 2, 3])(
    'one after the other on four connections answer as on SQLite, and leave the same rows (seed %i)',
    { timeout: PATIENCE_MS },
    async (seed) => {
      const chance = createChance(seed, 'in turn');
      const connections = await openAll(open);
      const sqlite = await openEmpty();
      await storeTransactionWorld(first(connections));
      await storeTransactionWorld(sqlite);
      for (let number = 0; number < 3 * ROUNDS; number += 1) {
        const transaction = drawTransaction(chance, await look(sqlite), number);
        const onPostgres = await run(connections[number % CONNECTIONS] ?? sqlite, transaction);
        expect(onPostgres, transaction.name).toEqual(await run(sqlite, transaction));
      }
      expect(await rowsOf(first(connections))).toEqual(await rowsOf(sqlite));
      await sqlite.close();
    },
  );

  test('at the same time on four connections are as if one after the other in some order', { timeout: PATIENCE_MS }, async () => {
    const chance = createChance(7, 'at once');
    const connections = await openAll(open);
    await storeTransactionWorld(first(connections));
    let before = await snapshotWith(storeTransactionWorld);
    for (let round = 0; round < ROUNDS; round += 1) {
      const seen = await look(first(connections));
      const transactions = connections.map((_, place) => drawTransaction(chance, seen, round * CONNECTIONS + place));
      const answers = await Promise.all(connections.map((connection, place) => run(connection, transactions[place] ?? EMPTY)));
      const rows = await rowsOf(first(connections));
      const after = await findOrder(before, transactions, { answers, rows });
      expect(
        after,
        `round ${round}: no order of ${transactions.map(({ name }) => name).join(', ')} gives these answers and rows`,
      ).toBeDefined();
      before = after ?? before;
    }
  });
});

interface Seen {
  readonly answers: readonly unknown[];
  readonly rows: unknown;
}

const EMPTY: DrawnTransaction = { name: 'nothing', statements: [] };

/** Plays the transactions on SQLite in every order until one gives what was seen, and returns the database after it. */
async function findOrder(
  before: Uint8Array,
  transactions: readonly DrawnTransaction[],
  { answers, rows }: Seen,
): Promise<Uint8Array | undefined> {
  for (const order of ordersOf(transactions.map((_, place) => place))) {
    const connection = new DatabaseSync(':memory:');
    connection.deserialize(before);
    const sqlite = openSqliteConnection(connection, { file: ':memory:', now: () => 0 });
    const given = new Map<number, unknown>();
    for (const place of order) given.set(place, await run(sqlite, transactions[place] ?? EMPTY));
    const isSame = transactions.every((_, place) => isEqual(given.get(place), answers[place])) && isEqual(await rowsOf(sqlite), rows);
    const bytes = isSame ? connection.serialize() : undefined;
    await sqlite.close();
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

function ordersOf(places: readonly number[]): number[][] {
  if (places.length === 0) return [[]];
  return places.flatMap((place) => ordersOf(places.filter((other) => other !== place)).map((rest) => [place, ...rest]));
}

async function openAll(open: () => Promise<Database>): Promise<readonly Database[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => open()));
}

async function openEmpty(): Promise<Database> {
  const sqlite = openSqliteConnection(new DatabaseSync(':memory:'), { file: ':memory:', now: () => 0 });
  await migrate(sqlite, 0);
  return sqlite;
}

async function snapshotWith(store: (database: Database) => Promise<void>): Promise<Uint8Array> {
  const connection = new DatabaseSync(':memory:');
  const sqlite = openSqliteConnection(connection, { file: ':memory:', now: () => 0 });
  await migrate(sqlite, 0);
  await store(sqlite);
  const bytes = connection.serialize();
  await sqlite.close();
  return bytes;
}

/** What a transaction returned, in an order that both databases can be asked for. */
async function run(database: Database, { statements }: DrawnTransaction): Promise<readonly (readonly string[])[]> {
  if (statements.length === 0) return [];
  const rows = await database.batch(statements);
  return rows.map((list) => list.map((row) => JSON.stringify(row)).toSorted());
}

async function look(database: Database): Promise<SeenWorld> {
  const [instances, runs] = await database.batch([
    plain<SeenInstance>('select id, dag_run_id as "runId", task_id as "taskId", epoch, state from task_instance order by id'),
    plain<{ id: string; revision: number }>('select id, revision from dag_run order by id'),
  ]);
  const counts = Map.groupBy(instances, ({ runId }) => runId);
  return {
    instances: instances.map((instance) => ({ ...instance })),
    revisions: new Map(runs.map(({ id, revision }) => [id, revision])),
    counts: new Map([...counts].map(([id, list]) => [id, list.length])),
  };
}

async function rowsOf(database: Database): Promise<unknown> {
  const rows = await database.batch([
    plain('select id, state, revision, held_by_tick, scheduler_term from dag_run order by id'),
    plain(
      'select id, map_index, state, epoch, try_number, max_tries, losses, executor, hostname, retry_at, ended_at from task_instance order by id',
    ),
    plain('select task_instance_id, epoch, try_number, state from task_instance_history order by task_instance_id, epoch'),
    plain('select dag_run_id, task_id, map_index, key, value from xcom order by dag_run_id, task_id, map_index'),
    plain('select dag_run_id, scope_id, length from mapped_scope order by dag_run_id, scope_id'),
  ]);
  return rows.map((list) => list.map((row) => ({ ...(row as object) })));
}

function plain<Row = unknown>(sql: string): Statement<Row> {
  return { name: `test_${sql.slice(0, 40).replaceAll(/\W+/g, '_')}`, text: () => sql, values: [] };
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function first(connections: readonly Database[]): Database {
  const [connection] = connections;
  if (connection === undefined) throw new Error('there is no connection');
  return connection;
}
