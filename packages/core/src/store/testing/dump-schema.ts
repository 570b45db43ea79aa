/** Writes `schema.sql`, the schema as the migrations leave it: `node packages/core/src/store/testing/dump-schema.ts`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Statement } from '../database.ts';
import { migrate } from '../migrate.ts';
import { openSqlite } from '../sqlite-database.ts';

/** The dump that is committed, so that a review shows what a migration does to the whole. */
export const SCHEMA_FILE = path.join(import.meta.dirname, '..', 'schema.sql');

const HEADER = `-- The schema on SQLite after every migration. Written by testing/dump-schema.ts; change the migrations, not this file.`;

/** The statements of the migrated schema: tables by name, each followed by its indexes. */
export async function dumpSchema(): Promise<string> {
  const database = openSqlite({ file: ':memory:', now: () => 0 });
  try {
    await migrate(database, 0);
    const [rows] = await database.batch([selectSchema]);
    return `${[HEADER, ...rows.map(({ text }) => `${withoutIndent(text)};`)].join('\n\n')}\n`;
  } finally {
    await database.close();
  }
}

const selectSchema: Statement<{ text: string }> = {
  name: 'select_schema',
  text: () => `
    select sql as text from sqlite_master
    where sql is not null and name not like 'sqlite\\_%' escape '\\'
    order by tbl_name, type desc, name`,
  values: [],
};

/** Migrations are indented as the code around them is. */
function withoutIndent(text: string): string {
  const indent = /\n( *)\)$/.exec(text)?.[1] ?? '';
  return text.replaceAll(`\n${indent}`, '\n');
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, await dumpSchema());
