import { createInterface } from 'node:readline/promises';
import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface DeleteOptions extends EnvironmentOptions {
  readonly yes?: boolean;
}

/** `tradewind dags delete <dag_id>` */
export async function deleteDag(dagId: string, { folder, yes }: DeleteOptions): Promise<undefined> {
  await withSessionOfDag(folder, dagId, async (session) => {
    if (yes !== true) await confirm(dagId, session.config.name);
    await session.ask({ method: 'DELETE', path: `/api/v2/dags/${encodeURIComponent(dagId)}` });
  });
  process.stderr.write(`the dag "${dagId}" is deleted, with its versions and runs; its logs are kept\n`);
}

/** @throws TradewindError `usage` where nobody is there to be asked, or who is says no */
async function confirm(dagId: string, environment: string): Promise<void> {
  const question = `delete the dag "${dagId}" of ${environment} with all its runs?`;
  if (!process.stdin.isTTY) throw new TradewindError('usage', `${question} Add --yes to do it without being asked`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if ((await terminal.question(`${question} [y/N] `)).trim().toLowerCase() === 'y') return;
  } finally {
    terminal.close();
  }
  throw new TradewindError('usage', 'nothing was deleted');
}
