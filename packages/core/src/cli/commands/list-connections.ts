import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface ConnectionRow {
  readonly connection_id: string;
  readonly conn_type: string;
  readonly description: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly schema: string | null;
  readonly login: string | null;
}

/** `tradewind connections list`: what is secret is masked. */
export async function listConnections({ folder, output }: OutputOptions): Promise<undefined> {
  const { rows } = await withSession(folder, (session) =>
    readPages<ConnectionRow>(session, { path: '/api/v2/connections', key: 'connections' }),
  );
  await printRows(rows, {
    format: output,
    emptyText: 'the database has no connections',
    columns: [
      { header: 'conn_id', value: (row) => row.connection_id },
      { header: 'conn_type', value: (row) => row.conn_type },
      { header: 'host', value: ({ host, port }) => `${host ?? ''}${port === null ? '' : `:${port}`}`, isCuttable: true },
      { header: 'schema', value: (row) => row.schema ?? '', isCuttable: true },
      { header: 'login', value: (row) => row.login ?? '', isCuttable: true },
      { header: 'description', value: (row) => row.description ?? '', isCuttable: true },
    ],
  });
}
