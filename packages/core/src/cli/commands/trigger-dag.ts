import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatDuration } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface TriggerOptions extends OutputOptions {
  readonly conf?: Readonly<Record<string, unknown>>;
  readonly runId?: string;
  readonly logicalDate?: string;
  readonly note?: string;
  readonly wait?: boolean;
  /** In seconds. */
  readonly timeout?: number;
}

/** A dag run as the API gives it: what is needed of it here. */
interface DagRunRow {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly state: string;
  readonly duration: number | null;
}

const POLL_MS = 200;

/** `tradewind dags trigger <dag_id>`: with `--wait` it ends as the run does. */
export async function triggerDag(dagId: string, options: TriggerOptions): Promise<ExitCode | undefined> {
  if (options.timeout !== undefined && options.wait !== true) throw new TradewindError('usage', '--timeout goes with --wait: add it');
  const run = await withSessionOfDag(options.folder, dagId, async (session) => {
    if (options.wait === true) requireRunning(session);
    const asked = await trigger(session, dagId, options);
    sayWhatHinders(session, await isPaused(session, dagId));
    return options.wait === true ? waitForEnd(session, asked, options.timeout) : asked;
  });
  await printRows([run], {
    format: options.output,
    columns: [
      { header: 'dag_id', value: (row) => row.dag_id },
      { header: 'dag_run_id', value: (row) => row.dag_run_id },
      { header: 'state', value: (row) => row.state },
      { header: 'took', value: (row) => (row.duration === null ? '' : formatDuration(row.duration * 1_000)) },
    ],
  });
  return run.state === 'failed' ? EXIT.failed : undefined;
}

async function trigger(session: EnvironmentSession, dagId: string, options: TriggerOptions): Promise<DagRunRow> {
  const { conf, runId, logicalDate, note } = options;
  const body = {
    logical_date: logicalDate ?? null,
    ...(conf === undefined ? {} : { conf }),
    ...(runId === undefined ? {} : { dag_run_id: runId }),
    ...(note === undefined ? {} : { note }),
  };
  return (await session.ask({ method: 'POST', path: `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns`, body })) as DagRunRow;
}

function requireRunning({ address, config }: EnvironmentSession): void {
  if (address !== undefined) return;
  throw new TradewindError(
    'usage',
    `--wait needs the environment to run, and ${config.name} does not: start it with "tradewind standalone --folder ${config.folder}", ` +
      'or leave out --wait to queue the run, or run the dag at once with "tradewind dags test"',
  );
}

async function isPaused(session: EnvironmentSession, dagId: string): Promise<boolean> {
  const dag = await session.ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` });
  return (dag as { readonly is_paused: boolean }).is_paused;
}

function sayWhatHinders({ address, config }: EnvironmentSession, isPaused: boolean): void {
  if (isPaused) process.stderr.write('the dag is paused: the run starts after "tradewind dags unpause"\n');
  if (address !== undefined) return;
  process.stderr.write(`${config.name} does not run: the run starts with "tradewind standalone --folder ${config.folder}"\n`);
}

async function waitForEnd(session: EnvironmentSession, asked: DagRunRow, timeoutSeconds: number | undefined): Promise<DagRunRow> {
  const path = `/api/v2/dags/${encodeURIComponent(asked.dag_id)}/dagRuns/${encodeURIComponent(asked.dag_run_id)}`;
  const giveUpAt = clock.monotonicMs() + (timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  for (;;) {
    const run = (await session.ask({ method: 'GET', path })) as DagRunRow;
    if (run.state === 'success' || run.state === 'failed') return run;
    if (clock.monotonicMs() >= giveUpAt) {
      throw new TradewindError(
        'timeout',
        `the run ${run.dag_run_id} of dag "${run.dag_id}" is still ${run.state} after ${timeoutSeconds} s; it goes on without this command`,
      );
    }
    await sleep(clock, POLL_MS);
  }
}
