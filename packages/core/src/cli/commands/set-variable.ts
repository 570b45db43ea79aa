import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { importEntities } from '../secret-files/import-entities.ts';
import { readValue } from '../secret-files/read-standard-input.ts';
import { withSession } from '../session/open-session.ts';

interface SetVariableOptions extends EnvironmentOptions {
  readonly description?: string;
  readonly json?: boolean;
}

/** `tradewind variables set <key> <value>`: creates it or replaces its value; `-` reads the value from standard input. */
export async function setVariable(key: string, given: string, { folder, description, json }: SetVariableOptions): Promise<undefined> {
  const value = await readValue(given);
  if (json === true && !isJson(value)) throw new TradewindError('usage', 'the value is not JSON: correct it, or leave out --json');
  const entity = { key, value, ...(description === undefined ? {} : { description }) };
  await withSession(folder, (session) =>
    importEntities(session, { path: '/api/v2/variables', entities: [entity], onExisting: 'overwrite' }),
  );
  process.stderr.write(`variable "${key}" is set\n`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
