import { SecretBox } from '../../../platform/secret-box.ts';
import type { Database } from '../../database.ts';
import { saveConnections } from '../../transitions/save-connections.ts';
import { saveVariables } from '../../transitions/save-variables.ts';
import { EXAMPLE_NOW } from './example-time.ts';

/** What is sealed in one test opens in every test. */
export const EXAMPLE_DATA_KEY = { id: 'example', bytes: Buffer.alloc(32, 7) } as const;

/** A variable and a connection, sealed with `EXAMPLE_DATA_KEY`. */
export async function insertExampleSecrets(database: Database): Promise<void> {
  const box = new SecretBox([EXAMPLE_DATA_KEY]);
  const variables = [{ key: 'example_region', value: 'eu', description: 'where everything is' }];
  await saveVariables(database, box, { variables, onExisting: 'fail', now: EXAMPLE_NOW });
  const connection = { connId: 'example_db', connType: 'postgres', description: null, host: 'db.example.org', schema: 'sales' };
  const connections = [{ ...connection, login: 'ada', password: 'an example password', port: 5432, extra: { sslmode: 'require' } }];
  await saveConnections(database, box, { connections, onExisting: 'fail', now: EXAMPLE_NOW });
}
