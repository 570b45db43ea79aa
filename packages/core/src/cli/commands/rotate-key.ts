import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

interface Rotation {
  readonly master_key_id: string;
  readonly data_keys: number;
  readonly values: number;
}

/** `tradewind rotate-key`: seals every variable and connection with new keys, while the environment works. */
export async function rotateKey({ folder, output }: OutputOptions): Promise<undefined> {
  const rotation = (await withSession(folder, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/tradewind/secrets/rotate' }),
  )) as Rotation;
  await printRows([rotation], {
    format: output,
    columns: [
      { header: 'master_key_id', value: (row) => row.master_key_id },
      { header: 'data_keys', value: (row) => String(row.data_keys) },
      { header: 'values', value: (row) => String(row.values) },
    ],
  });
  process.stderr.write('back up the new master key apart from the database; backups from before need the old one\n');
}
