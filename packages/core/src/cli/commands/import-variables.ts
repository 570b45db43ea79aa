import { readVariables } from '../../model/variables/variable.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import type { ActionOnExisting } from '../secret-files/formats.ts';
import { importEntities } from '../secret-files/import-entities.ts';
import { readEntries } from '../secret-files/read-entries.ts';
import { withSession } from '../session/open-session.ts';

interface ImportOptions extends EnvironmentOptions {
  readonly actionOnExistingKey: ActionOnExisting;
}

/** `tradewind variables import <file>`: JSON, YAML or an env file, as `export` and Airflow write them. */
export async function importVariables(file: string, { folder, actionOnExistingKey }: ImportOptions): Promise<undefined> {
  const entities = readVariables(await readEntries(file, 'AIRFLOW_VAR_')).map((variable) => ({ ...variable }));
  const saved = await withSession(folder, (session) =>
    importEntities(session, { path: '/api/v2/variables', entities, onExisting: actionOnExistingKey }),
  );
  process.stderr.write(`${saved.length} of ${entities.length} variables imported\n`);
}
