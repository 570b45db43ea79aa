import type { Database } from '../store/database.ts';
import { SCHEMA_VERSION, schemaStatus, type SchemaStatus } from '../store/migrate.ts';

/** Reads how far the schema of a database is; version 0 also where it has no tables at all. */
export async function readSchemaStatus(database: Database): Promise<SchemaStatus> {
  const tables = await database.reads.introspection.getTables();
  if (!tables.some(({ name }) => name === 'schema_migration')) return { version: 0, wanted: SCHEMA_VERSION };
  return schemaStatus(database);
}
