import { expect, test } from 'vitest';
import type { ChaosFleet } from './fleet.ts';
import { BACKFILLED_DAG, EXPECTATIONS, datesOfBackfill, type RunRow } from './load.ts';
import { judge } from './verdict.ts';

const AMOUNT = { messages: 2, backfills: 1 };

interface World {
  readonly runs: Map<string, RunRow[]>;
  /** How often a task instance of more than one try has succeeded. */
  successes: number;
  /** A task instance that every run lacks. */
  missing?: string;
}

/** What the environments answer when nothing went wrong. */
function flawless(): World {
  const run = (dagId: string, index: number): RunRow => ({
    dag_run_id: `${dagId}-${index}`,
    run_type: dagId === BACKFILLED_DAG ? 'backfill' : 'asset_triggered',
    state: 'success',
    logical_date: dagId === BACKFILLED_DAG ? (datesOfBackfill(0)[index] ?? null) : null,
    // The events of one order may meet those of another.
    conf: dagId === 'joined' ? { left: index, right: 1 - index } : { n: index },
  });
  const runs = EXPECTATIONS.map(({ dagId }) => {
    const count = dagId === BACKFILLED_DAG ? datesOfBackfill(0).length : AMOUNT.messages;
    return [dagId, Array.from({ length: count }, (_, index) => run(dagId, index))] as const;
  });
  return { runs: new Map(runs), successes: 1 };
}

const judgeOf = (world: World) =>
  judge({ ask: (_, url) => Promise.resolve(answer(world, url)) } as Pick<ChaosFleet, 'ask'> as ChaosFleet, AMOUNT);

function answer(world: World, url: string): unknown {
  const [, dagId = ''] = /dags\/([^/]+)\//.exec(url) ?? [];
  const runs = world.runs.get(dagId) ?? [];
  if (url.includes('/tries')) return { task_instances: Array.from({ length: world.successes }, () => ({ state: 'success' })) };
  const names = EXPECTATIONS.find((expected) => expected.dagId === dagId)?.taskInstances.filter((name) => name !== world.missing) ?? [];
  const instances = runs.flatMap(({ dag_run_id }) =>
    names.map((name) => {
      const [task_id, index] = name.split(' ');
      return { dag_run_id, task_id, map_index: Number(index), state: 'success', try_number: task_id === 'flaky' ? 2 : 1 };
    }),
  );
  const rows = url.includes('/taskInstances') ? { task_instances: instances } : { dag_runs: runs };
  const total = url.includes('/taskInstances') ? instances.length : runs.length;
  return { ...rows, total_entries: total };
}

function change(world: World, dagId: string, changed: Partial<RunRow>): void {
  const [first, ...others] = world.runs.get(dagId) ?? [];
  if (first !== undefined) world.runs.set(dagId, [{ ...first, ...changed }, ...others]);
}

test('finds nothing where everything happened once', async () => {
  expect(await judgeOf(flawless())).toEqual({ lost: 0, duplicated: 0, stuck: 0, problems: [] });
});

test.each(EXPECTATIONS.map(({ dagId }) => dagId))('counts what has no run of %s as lost', async (dagId) => {
  const world = flawless();
  world.runs.get(dagId)?.pop();
  // A joined run stands for an event of each of two assets.
  expect(await judgeOf(world)).toMatchObject({ lost: dagId === 'joined' ? 2 : 1, duplicated: 0, stuck: 0 });
});

test.each(EXPECTATIONS.map(({ dagId }) => dagId))('counts a second run of %s for the same as duplicated', async (dagId) => {
  const world = flawless();
  const [first] = world.runs.get(dagId) ?? [];
  if (first !== undefined) world.runs.get(dagId)?.push({ ...first, dag_run_id: 'again' });
  expect(await judgeOf(world)).toMatchObject({ lost: 0, duplicated: dagId === 'joined' ? 2 : 1, stuck: 0 });
});

test.each(['running', 'queued', 'failed'])('counts a run that is %s as stuck', async (state) => {
  const world = flawless();
  change(world, BACKFILLED_DAG, { state });
  expect(await judgeOf(world)).toMatchObject({ lost: 0, stuck: 1 });
});

test('counts a run for what nobody asked for as duplicated', async () => {
  const world = flawless();
  world.runs
    .get('reports')
    ?.push({ dag_run_id: 'other', run_type: 'asset_triggered', state: 'success', logical_date: null, conf: { n: 7 } });
  expect(await judgeOf(world)).toMatchObject({ lost: 0, duplicated: 1 });
});

test('leaves runs of the schedule of the dag that is backfilled alone', async () => {
  const world = flawless();
  world.runs
    .get(BACKFILLED_DAG)
    ?.push({ dag_run_id: 'scheduled', run_type: 'scheduled', state: 'success', logical_date: '2026-01-01T00:00:00Z', conf: {} });
  expect(await judgeOf(world)).toMatchObject({ lost: 0, duplicated: 0 });
});

test.each([0, 2])('counts a task instance whose tries have %i successes', async (successes) => {
  expect(await judgeOf({ ...flawless(), successes })).toMatchObject({ duplicated: AMOUNT.messages });
});

test('counts runs that lack a map index', async () => {
  const verdict = await judgeOf({ ...flawless(), missing: 'part 1' });
  expect(verdict.duplicated).toBe(AMOUNT.messages);
});
