import type { JsonObject, JsonValue } from '@tradewind/protocol';
import type { ReadConnection } from '../../model/connections/connection.ts';
import { parseConnection, readConnectionFields } from '../../model/connections/parse-connection.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { importEntities } from '../secret-files/import-entities.ts';
import { readEntries } from '../secret-files/read-entries.ts';
import { withSession } from '../session/open-session.ts';
import { toBody } from './add-connection.ts';

interface ImportOptions extends EnvironmentOptions {
  readonly overwrite?: boolean;
}

/** `tradewind connections import <file>`: JSON, YAML or an env file, as `export` and Airflow write them. */
export async function importConnections(file: string, { folder, overwrite }: ImportOptions): Promise<undefined> {
  const entries = Object.entries(await readEntries(file, 'AIRFLOW_CONN_'));
  const entities = entries.map(([connId, entry]) => {
    const read = readEntry(connId, entry);
    if (read.ok) return toBody(read.connection);
    throw new TradewindError('usage', `${file}: connection "${connId}" cannot be read: ${read.reason}`);
  });
  const onExisting = overwrite === true ? 'overwrite' : 'skip';
  const saved = await withSession(folder, (session) => importEntities(session, { path: '/api/v2/connections', entities, onExisting }));
  const isHint = overwrite !== true && saved.length < entities.length;
  process.stderr.write(
    `${saved.length} of ${entities.length} connections imported${isHint ? '; the others exist: --overwrite replaces them' : ''}\n`,
  );
}

/** Airflow's files have URIs, objects, and lists of one of them. */
function readEntry(connId: string, entry: JsonValue): ReadConnection {
  const [one] = Array.isArray(entry) ? (entry as readonly JsonValue[]) : [entry];
  if (typeof one === 'string') return parseConnection(connId, one);
  if (typeof one === 'object' && one !== null && !Array.isArray(one)) return readConnectionFields(connId, one as JsonObject);
  return { ok: false, reason: 'it is neither a URI nor an object' };
}
