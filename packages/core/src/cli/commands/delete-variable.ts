import type { EnvironmentOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

/** `tradewind variables delete <key>` */
export async function deleteVariable(key: string, { folder }: EnvironmentOptions): Promise<undefined> {
  const path = `/api/v2/variables/${encodeURIComponent(key)}`;
  await withSession(folder, (session) => session.ask({ method: 'DELETE', path }));
  process.stderr.write(`variable "${key}" is deleted\n`);
}
