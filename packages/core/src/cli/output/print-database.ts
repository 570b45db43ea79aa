import type { DatabaseRow } from '../database-status.ts';
import type { OutputFormat } from './output-format.ts';
import { printRows } from './print-rows.ts';

/** Prints what is known about a database. */
export async function printDatabase(row: DatabaseRow, format: OutputFormat): Promise<void> {
  await printRows([row], {
    format,
    columns: [
      { header: 'dialect', value: ({ dialect }) => dialect },
      { header: 'schema', value: ({ schema_version: version }) => String(version) },
      { header: 'wanted', value: ({ wanted_schema_version: wanted }) => String(wanted) },
      { header: 'location', value: ({ location }) => location },
    ],
  });
}
