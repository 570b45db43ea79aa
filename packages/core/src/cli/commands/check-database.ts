import { readDatabaseStatus, type DatabaseRow } from '../database-status.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findEnvironment } from '../find-environment.ts';
import { printDatabase } from '../output/print-database.ts';
import type { OutputOptions } from '../program/declare.ts';

/** `tradewind db check`: fails where the schema is another than this program needs. */
export async function checkDatabase({ folder, output }: OutputOptions): Promise<ExitCode | undefined> {
  const row = await readDatabaseStatus(findEnvironment(folder));
  await printDatabase(row, output);
  const advice = adviceOn(row);
  if (advice === undefined) return undefined;
  process.stderr.write(`${advice}\n`);
  return EXIT.failed;
}

function adviceOn({ schema_version: version, wanted_schema_version: wanted }: DatabaseRow): string | undefined {
  if (version === wanted) return undefined;
  if (version > wanted) return 'the schema is newer than this program: run the newer program, or restore a backup';
  return `${version === 0 ? 'there are no tables yet' : 'the schema is older than this program'}: run "tradewind db migrate"`;
}
