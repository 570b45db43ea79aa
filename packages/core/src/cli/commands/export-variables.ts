import { writeVariables, type Variable } from '../../model/variables/variable.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import type { SecretFormat } from '../secret-files/formats.ts';
import { formatOf } from '../secret-files/read-entries.ts';
import { writeEntries } from '../secret-files/write-entries.ts';
import { withSession } from '../session/open-session.ts';

interface ExportOptions extends EnvironmentOptions {
  readonly fileFormat?: SecretFormat;
}

/** `tradewind variables export <file>`: every variable of the database in the clear; `-` writes to standard output. */
export async function exportVariables(file: string, { folder, fileFormat }: ExportOptions): Promise<undefined> {
  const format = fileFormat ?? formatOf(file, file === '-' ? 'json' : undefined);
  const { variables } = (await withSession(folder, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/tradewind/secrets/export' }),
  )) as { readonly variables: readonly Variable[] };
  const lines = Object.fromEntries(variables.map(({ key, value }) => [key, value]));
  await writeEntries({ file, format, entries: writeVariables(variables), lines });
  process.stderr.write(`${variables.length} variables exported\n`);
}
