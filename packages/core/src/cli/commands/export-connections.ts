import type { JsonObject } from '@tradewind/protocol';
import { writeConnectionUri } from '../../model/connections/connection-uri.ts';
import { readConnectionFields } from '../../model/connections/parse-connection.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import type { SecretFormat } from '../secret-files/formats.ts';
import { formatOf } from '../secret-files/read-entries.ts';
import { writeEntries } from '../secret-files/write-entries.ts';
import { withSession } from '../session/open-session.ts';

interface ExportOptions extends EnvironmentOptions {
  readonly fileFormat?: SecretFormat;
  readonly serializationFormat: 'uri' | 'json';
}

/** `tradewind connections export <file>`: every connection of the database in the clear; `-` writes to standard output. */
export async function exportConnections(file: string, { folder, fileFormat, serializationFormat }: ExportOptions): Promise<undefined> {
  const format = fileFormat ?? formatOf(file, file === '-' ? 'json' : undefined);
  const { connections } = (await withSession(folder, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/tradewind/secrets/export' }),
  )) as { readonly connections: Readonly<Record<string, JsonObject>> };
  const lines = Object.entries(connections).map(([connId, fields]) => [connId, lineOf(connId, fields, serializationFormat)] as const);
  await writeEntries({ file, format, entries: connections, lines: Object.fromEntries(lines) });
  process.stderr.write(`${lines.length} connections exported\n`);
}

function lineOf(connId: string, fields: JsonObject, format: ExportOptions['serializationFormat']): string {
  const read = readConnectionFields(connId, fields);
  return format === 'uri' && read.ok ? writeConnectionUri(read.connection) : JSON.stringify(fields);
}
