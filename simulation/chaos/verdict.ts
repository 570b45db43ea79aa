import type { ChaosFleet, EnvironmentName } from './fleet.ts';

/** What became of what was sent. */
export interface Verdict {
  /** Events without a run in one of the environments. */
  readonly lost: number;
  /** Runs that are one too many for their event, and task instances with more than one success. */
  readonly duplicated: number;
  /** Runs that have not ended in success. */
  readonly stuck: number;
  readonly problems: readonly string[];
}

interface RunRow {
  readonly dag_run_id: string;
  readonly state: string;
  readonly conf: { readonly n?: number };
}

interface InstanceRow {
  readonly dag_run_id: string;
  readonly task_id: string;
  readonly state: string | null;
}

const PAGE = 100;
const TASKS: Readonly<Record<EnvironmentName, readonly string[]>> = {
  orders: ['double', 'publish', 'read', 'triple'],
  reports: ['load', 'report'],
};

/** Holds the runs of both environments against the numbers 0 … `messages` - 1 that were sent. */
export async function judge(fleet: ChaosFleet, messages: number): Promise<Verdict> {
  const verdicts = await Promise.all([judgeOne(fleet, 'orders', messages), judgeOne(fleet, 'reports', messages)]);
  return {
    lost: sum(verdicts.map(({ lost }) => lost)),
    duplicated: sum(verdicts.map(({ duplicated }) => duplicated)),
    stuck: sum(verdicts.map(({ stuck }) => stuck)),
    problems: verdicts.flatMap(({ problems }) => problems),
  };
}

async function judgeOne(fleet: ChaosFleet, environment: EnvironmentName, messages: number): Promise<Verdict> {
  const runs = await readAll<RunRow>(fleet, environment, { list: 'dagRuns', key: 'dag_runs' });
  if (runs === undefined) return { lost: messages, duplicated: 0, stuck: 0, problems: [`${environment} does not answer`] };
  const problems: string[] = [];
  const byNumber = Map.groupBy(runs, ({ conf }) => conf.n);
  let lost = 0;
  let duplicated = 0;
  for (let number = 0; number < messages; number += 1) {
    const count = byNumber.get(number)?.length ?? 0;
    if (count === 0) lost += 1;
    if (count > 1) duplicated += count - 1;
    if (count !== 1) problems.push(`${environment}: event ${number} has ${count} runs`);
  }
  const stuck = runs.filter(({ state }) => state !== 'success');
  problems.push(...stuck.map(({ dag_run_id: runId, state }) => `${environment}: run ${runId} is ${state}`));
  if (lost + stuck.length > 0) return { lost, duplicated, stuck: stuck.length, problems };
  const doubled = await findDoubledTasks(fleet, environment, runs);
  problems.push(...doubled);
  return { lost, duplicated: duplicated + doubled.length, stuck: 0, problems };
}

/** Every run must have each of its tasks exactly once, in success. */
async function findDoubledTasks(fleet: ChaosFleet, environment: EnvironmentName, runs: readonly RunRow[]): Promise<string[]> {
  const instances = await readAll<InstanceRow>(fleet, environment, { list: 'dagRuns/~/taskInstances', key: 'task_instances' });
  const byRun = Map.groupBy(instances ?? [], ({ dag_run_id: runId }) => runId);
  const wanted = TASKS[environment].map((taskId) => `${taskId} success`).join(', ');
  return runs.flatMap(({ dag_run_id: runId }) => {
    const found = (byRun.get(runId) ?? []).map(({ task_id: taskId, state }) => `${taskId} ${state}`).toSorted();
    return found.join(', ') === wanted ? [] : [`${environment}: run ${runId} has the tasks ${found.join(', ')}`];
  });
}

async function readAll<Row>(
  fleet: ChaosFleet,
  environment: EnvironmentName,
  { list, key }: { readonly list: string; readonly key: string },
): Promise<Row[] | undefined> {
  const rows: Row[] = [];
  for (;;) {
    const page = await fleet.ask(environment, `/api/v2/dags/~/${list}?limit=${PAGE}&offset=${rows.length}&order_by=run_after`);
    if (page === undefined) return undefined;
    const { [key]: items = [], total_entries: total } = page as { total_entries: number } & Record<string, Row[]>;
    rows.push(...items);
    if (items.length === 0 || rows.length >= total) return rows;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
