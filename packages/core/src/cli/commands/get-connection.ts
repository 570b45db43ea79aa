import type { JsonObject } from '@tradewind/protocol';
import { writeConnectionUri } from '../../model/connections/connection-uri.ts';
import { readConnectionFields } from '../../model/connections/parse-connection.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

/** `tradewind connections get <conn_id>`: the connection as tasks get it, in the clear, wherever it is kept. */
export async function getConnection(connId: string, { folder, output }: OutputOptions): Promise<undefined> {
  const body = { kind: 'connection', name: connId };
  const { source, connection } = (await withSession(folder, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/tradewind/secrets/lookup', body }),
  )) as { readonly source: string; readonly connection: JsonObject };
  const read = readConnectionFields(connId, connection);
  const uri = read.ok ? writeConnectionUri(read.connection) : '';
  const row = { conn_id: connId, ...connection, uri, source };
  if (output === 'json' || output === 'yaml') {
    await printRows([row], { format: output, columns: [] });
    return;
  }
  await printRows(
    Object.entries(row).map(([name, value]) => ({ name, value: value as unknown })),
    {
      format: output,
      columns: [
        { header: 'name', value: ({ name }) => name },
        { header: 'value', value: ({ value }) => (typeof value === 'string' ? value : JSON.stringify(value ?? '')) },
      ],
    },
  );
}
