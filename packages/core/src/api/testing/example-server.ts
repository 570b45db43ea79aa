import { migrate } from '../../store/migrate.ts';
import { insertExampleRows } from '../../store/reads/testing/example-rows.ts';
import { EXAMPLE_NOW } from '../../store/reads/testing/example-time.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts';

/** A server on a database in memory that holds the examples. `close` ends both. */
export async function startExampleServer(options: Omit<TestServerOptions, 'database'> = {}): Promise<TestServer> {
  const database = openSqlite({ file: ':memory:', now: () => EXAMPLE_NOW });
  await migrate(database, EXAMPLE_NOW);
  await insertExampleRows(database);
  const server = await startTestServer({ users: [{ username: 'admin', role: 'admin', dags: 'all' }], ...options, database });
  return {
    ...server,
    async close() {
      await server.close();
      await database.close();
    },
  };
}
