import type { LogRecord } from '@tradewind/protocol';
import { TradewindError } from '../../platform/errors.ts';
import { formatLogRecord } from '../output/format-log-record.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface TaskLogOptions extends OutputOptions {
  readonly try?: number;
}

/** `tradewind tasks logs <dag_id> <task_id> <run_id>` */
export async function printTaskLog(dagId: string, taskId: string, runId: string, options: TaskLogOptions): Promise<undefined> {
  const [dag, task, run] = [dagId, taskId, runId].map(encodeURIComponent);
  const path = `/api/v2/dags/${dag}/dagRuns/${run}/taskInstances/${task}`;
  await withSessionOfDag(options.folder, dagId, async (session) => {
    const tryNumber = options.try ?? (await readLastTry(session, path, taskId));
    const parts = readParts(session, `${path}/logs/${tryNumber}`);
    if (options.output === 'table' || options.output === 'plain') {
      const isPlain = options.output === 'plain';
      for await (const records of parts) {
        for (const record of records) process.stdout.write(`${isPlain ? record.event : formatLogRecord(record)}\n`);
      }
      return;
    }
    await printRows((await Array.fromAsync(parts)).flat(), { format: options.output, columns: [] });
  });
}

async function readLastTry(session: EnvironmentSession, path: string, taskId: string): Promise<number> {
  const instance = (await session.ask({ method: 'GET', path })) as { readonly try_number: number; readonly state: string | null };
  if (instance.try_number > 0) return instance.try_number;
  throw new TradewindError('not_found', `the task "${taskId}" has no log yet: it was not started (state ${instance.state ?? 'none'})`);
}

/** The log as it is now. While a try runs the API always has a next part; the first empty one is the end of what is written. */
async function* readParts(session: EnvironmentSession, path: string): AsyncGenerator<readonly LogRecord[]> {
  let token: string | null = '';
  while (token !== null) {
    const query = token === '' ? '' : `?token=${encodeURIComponent(token)}`;
    const part = (await session.ask({ method: 'GET', path: `${path}${query}` })) as {
      readonly content: readonly LogRecord[];
      readonly continuation_token: string | null;
    };
    if (part.content.length === 0) return;
    yield part.content;
    token = part.continuation_token;
  }
}
