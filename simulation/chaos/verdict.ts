import type { ChaosFleet } from './fleet.ts';
import { EXPECTATIONS, type Amount, type Expectation, type RunRow } from './load.ts';

/** What became of what was asked for. */
export interface Verdict {
  /** Events and dates without a run in one of the dags that must have one. */
  readonly lost: number;
  /** Runs that are one too many for what they stand for, and task instances that are not there exactly once, with exactly one success. */
  readonly duplicated: number;
  /** Runs that have not ended in success. */
  readonly stuck: number;
  readonly problems: readonly string[];
}

interface InstanceRow {
  readonly dag_run_id: string;
  readonly task_id: string;
  readonly map_index: number;
  readonly state: string | null;
  readonly try_number: number;
}

interface Listing {
  readonly url: string;
  /** The list's name in the answer. */
  readonly key: string;
}

const PAGE = 100;
/** As many as an environment answers at once without making the others wait. */
const QUESTIONS_AT_ONCE = 8;

/** Holds the runs of both environments against what was asked for. */
export async function judge(fleet: ChaosFleet, amount: Amount): Promise<Verdict> {
  const verdicts = await Promise.all(EXPECTATIONS.map((expected) => judgeOne(fleet, expected, amount)));
  const verdict = join(verdicts);
  if (verdict.lost + verdict.stuck > 0) return verdict;
  const doubled: string[] = [];
  for (const expected of EXPECTATIONS) doubled.push(...(await findDoubledTasks(fleet, expected)));
  return join([verdict, { lost: 0, duplicated: doubled.length, stuck: 0, problems: doubled }]);
}

async function judgeOne(fleet: ChaosFleet, expected: Expectation, amount: Amount): Promise<Verdict> {
  const { environment, dagId } = expected;
  const wanted = expected.wanted(amount);
  const runs = await readRuns(fleet, expected);
  if (runs === undefined) return { lost: wanted.length, duplicated: 0, stuck: 0, problems: [`${environment} does not answer`] };
  const counts = new Map(wanted.map((name) => [name, 0]));
  const problems: string[] = [];
  let duplicated = 0;
  for (const run of runs) {
    for (const name of expected.namedBy(run)) {
      const count = counts.get(name);
      counts.set(name, (count ?? 0) + 1);
      if (count === 0) continue;
      duplicated += 1;
      problems.push(`${dagId}: ${name} ${count === undefined ? 'was never asked for' : 'has another run'}: ${run.dag_run_id}`);
    }
  }
  const lost = wanted.filter((name) => counts.get(name) === 0);
  const stuck = runs.filter(({ state }) => state !== 'success');
  problems.push(...lost.map((name) => `${dagId}: ${name} has no run`));
  problems.push(...stuck.map(({ dag_run_id: runId, state }) => `${dagId}: run ${runId} is ${state}`));
  return { lost: lost.length, duplicated, stuck: stuck.length, problems };
}

/** Every run must have each of its task instances exactly once, in success, and none of them a second success among its tries. */
async function findDoubledTasks(fleet: ChaosFleet, expected: Expectation): Promise<string[]> {
  const { environment, dagId } = expected;
  const runs = (await readRuns(fleet, expected)) ?? [];
  const listing = { url: `/api/v2/dags/${dagId}/dagRuns/~/taskInstances`, key: 'task_instances' };
  const instances = (await readAll<InstanceRow>(fleet, environment, listing)) ?? [];
  const byRun = Map.groupBy(instances, ({ dag_run_id: runId }) => runId);
  const wanted = expected.taskInstances
    .map((name) => `${name} success`)
    .toSorted()
    .join(', ');
  const problems = runs.flatMap(({ dag_run_id: runId }) => {
    const found = (byRun.get(runId) ?? []).map(({ task_id: taskId, map_index: mapIndex, state }) => `${taskId} ${mapIndex} ${state}`);
    const names = found.toSorted().join(', ');
    return names === wanted ? [] : [`${dagId}: run ${runId} has the task instances ${names}`];
  });
  const retried = instances.filter(({ try_number: tryNumber }) => tryNumber > 1);
  for (let from = 0; from < retried.length; from += QUESTIONS_AT_ONCE) {
    const some = retried.slice(from, from + QUESTIONS_AT_ONCE);
    problems.push(...(await Promise.all(some.map((instance) => findSecondSuccess(fleet, expected, instance)))).flat());
  }
  return problems;
}

async function findSecondSuccess(fleet: ChaosFleet, { environment, dagId }: Expectation, instance: InstanceRow): Promise<string[]> {
  const { dag_run_id: runId, task_id: taskId, map_index: mapIndex } = instance;
  const url = `/api/v2/dags/${dagId}/dagRuns/${encodeURIComponent(runId)}/taskInstances/${taskId}/tries?map_index=${mapIndex}`;
  const answer = (await fleet.ask(environment, url)) as { readonly task_instances: readonly { readonly state: string }[] } | undefined;
  const successes = answer?.task_instances.filter(({ state }) => state === 'success').length;
  return successes === 1 ? [] : [`${dagId}: ${taskId} ${mapIndex} of run ${runId} has ${successes ?? 'unknown'} successes`];
}

function readRuns(fleet: ChaosFleet, { environment, dagId }: Expectation): Promise<RunRow[] | undefined> {
  return readAll<RunRow>(fleet, environment, { url: `/api/v2/dags/${dagId}/dagRuns`, key: 'dag_runs' });
}

async function readAll<Row>(fleet: ChaosFleet, environment: Expectation['environment'], listing: Listing): Promise<Row[] | undefined> {
  const rows: Row[] = [];
  for (;;) {
    const page = await fleet.ask(environment, `${listing.url}?limit=${PAGE}&offset=${rows.length}&order_by=run_after`);
    if (page === undefined) return undefined;
    const { [listing.key]: items = [], total_entries: total } = page as { total_entries: number } & Record<string, Row[]>;
    rows.push(...items);
    if (items.length === 0 || rows.length >= total) return rows;
  }
}

function join(verdicts: readonly Verdict[]): Verdict {
  return {
    lost: sum(verdicts.map(({ lost }) => lost)),
    duplicated: sum(verdicts.map(({ duplicated }) => duplicated)),
    stuck: sum(verdicts.map(({ stuck }) => stuck)),
    problems: verdicts.flatMap(({ problems }) => problems),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
