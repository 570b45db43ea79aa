import type { EnvironmentOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

/** `tradewind connections delete <conn_id>` */
export async function deleteConnection(connId: string, { folder }: EnvironmentOptions): Promise<undefined> {
  const path = `/api/v2/connections/${encodeURIComponent(connId)}`;
  await withSession(folder, (session) => session.ask({ method: 'DELETE', path }));
  process.stderr.write(`connection "${connId}" is deleted\n`);
}
