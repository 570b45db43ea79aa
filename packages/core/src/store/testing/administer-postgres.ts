import { Client } from 'pg';

/** Runs one statement outside of a transaction, which `create database` and `drop database` need. */
export async function administerPostgres(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  // A server that ends under the connection says so here too; the statement then fails by itself.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The address of another database on the same server. */
export function urlOfDatabase(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
