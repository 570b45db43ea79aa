import { findNewestRun, findRun, taskInstancePath, type FoundRun } from '../find-run.ts';
import { formatTable } from '../output/table.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface WhyOptions extends OutputOptions {
  readonly mapIndex?: number;
  /** Without a task: the run itself. */
  readonly run?: string;
}

interface Explanation {
  readonly sentence: string;
  readonly gates: readonly { readonly kind: string; readonly is_met: boolean; readonly text: string }[];
}

/** `tradewind why <dag_id> [task_id] [run]`: one sentence, then every gate. Without a run the newest one; without a task the dag, or the run of `--run`. */
export async function why(
  dagId: string,
  taskId: string | undefined,
  idOrDate: string | undefined,
  options: WhyOptions,
): Promise<undefined> {
  const { sentence, gates } = await withSessionOfDag(options.folder, dagId, async (session) => {
    const wanted = idOrDate ?? options.run;
    const run = wanted === undefined ? await newestRun(session, dagId, taskId) : await findRun(session, dagId, wanted);
    return (await session.ask({ method: 'GET', path: pathOf(dagId, { run, taskId, mapIndex: options.mapIndex }) })) as Explanation;
  });
  if (options.output !== 'table') {
    await printRows([{ sentence, gates }], { format: options.output, columns: [{ header: 'sentence', value: (row) => row.sentence }] });
    return;
  }
  process.stdout.write(`${sentence}\n\n`);
  process.stdout.write(
    formatTable(gates, {
      width: Number.POSITIVE_INFINITY,
      columns: [
        { header: '', value: ({ is_met: isMet }) => (isMet ? 'yes' : 'no') },
        { header: '', value: ({ kind }) => kind },
        { header: '', value: ({ text }) => text },
      ],
    }),
  );
}

async function newestRun(session: EnvironmentSession, dagId: string, taskId: string | undefined): Promise<FoundRun | undefined> {
  return taskId === undefined ? undefined : findNewestRun(session, dagId);
}

function pathOf(
  dagId: string,
  {
    run,
    taskId,
    mapIndex,
  }: { readonly run: FoundRun | undefined; readonly taskId: string | undefined; readonly mapIndex: number | undefined },
): string {
  const ours = (path: string): string => path.replace(/^\/api\/v2\//, '/api/v2/tradewind/');
  // Of a dag that has never run there is no task to ask about.
  if (run === undefined) return `/api/v2/tradewind/dags/${encodeURIComponent(dagId)}/why`;
  if (taskId === undefined) return `/api/v2/tradewind/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(run.dag_run_id)}/why`;
  const query = mapIndex === undefined ? '' : `?map_index=${mapIndex}`;
  return `${ours(taskInstancePath(run, taskId, undefined))}/why${query}`;
}
