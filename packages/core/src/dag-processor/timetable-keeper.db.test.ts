import type { SerializedDag, TimetableQuestion } from '@tradewind/protocol';
import { afterEach, expect, test } from 'vitest';
import { runAt } from '../model/timetables/next-run.ts';
import { silentLog } from '../platform/log.ts';
import { createVirtualClock, type VirtualClock } from '../platform/testing/virtual-clock.ts';
import type { Database, Statement } from '../store/database.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import { serializedDag } from '../store/testing/serialized-dag.ts';
import { insert } from '../store/testing/transition-fixtures.ts';
import { startTimetableKeeper, type TimetableKeeper, type TimetableKeeperParts } from './timetable-keeper.ts';

const HOUR_MS = 3_600_000;
const TIDES = serializedDag({ dagId: 'tides', schedule: { kind: 'custom', summary: 'at high tide' }, startDate: '2026-01-01T00:00:00Z' });

type Answer = Awaited<ReturnType<TimetableKeeperParts['ask']>>;

async function addDag(database: Database, dag: SerializedDag): Promise<void> {
  await database.batch([
    insert('dag_version', {
      id: dag.dagId,
      dag_id: dag.dagId,
      version_number: 1,
      content_hash: 'hash',
      bundle_version: 'bundle',
      serialized: JSON.stringify(dag),
      created_at: 0,
    }),
    insert('dag', {
      dag_id: dag.dagId,
      file: `${dag.dagId}.ts`,
      is_paused: 0,
      is_stale: 0,
      dag_version_id: dag.dagId,
      bundle_version: 'bundle',
      tags: '[]',
      schedule: JSON.stringify(dag.schedule),
      catchup: 0,
      max_active_runs: 16,
      max_active_tasks: 16,
      parsed_at: 0,
      parse_ms: 1,
      created_at: 0,
    }),
  ]);
}

async function sql<Row>(database: Database, text: string): Promise<readonly Row[]> {
  const statement: Statement<Row> = { name: `test ${text}`.slice(0, 60), text: () => text, values: [] };
  const [found] = await database.batch([statement]);
  return found.map((row) => ({ ...row }));
}

describeDatabases('the timetable keeper', (open) => {
  let keeper: TimetableKeeper | undefined;
  afterEach(async () => {
    await keeper?.stop();
    keeper = undefined;
  });

  /** Starts a keeper whose code answers as the test says, and waits for its answers to be stored. */
  const start = async (dag: SerializedDag, answer: (question: TimetableQuestion, clock: VirtualClock) => Answer | Promise<Answer>) => {
    const database = await open();
    await addDag(database, dag);
    const clock = createVirtualClock();
    const questions: TimetableQuestion[] = [];
    let stocked = Promise.withResolvers<void>();
    keeper = startTimetableKeeper({
      database,
      clock,
      log: silentLog,
      async ask(_code, question) {
        questions.push(question);
        return answer(question, clock);
      },
      locateCode: (file, bundleVersion) => ({ bundleFolder: '/dags', file, bundleVersion, manifestFile: '/manifest.json' }),
      onStocked: () => stocked.resolve(),
    });
    const untilStocked = async (): Promise<void> => {
      await stocked.promise;
      stocked = Promise.withResolvers();
    };
    const dagRow = async (): Promise<{ nextRunAt: number | null; problem: string | null } | undefined> =>
      (
        await sql<{ nextRunAt: number | null; problem: string | null }>(
          database,
          'select next_run_at as "nextRunAt", problem from dag left join timetable_stock as stock on stock.dag_id = dag.dag_id',
        )
      )[0];
    return { database, clock, questions, untilStocked, dagRow };
  };

  const hourly = ({ last, most }: TimetableQuestion, clock: VirtualClock): Answer => {
    const from = last === null ? clock.now() : last.runAfterAt + HOUR_MS;
    return { type: 'timetable', runs: Array.from({ length: most }, (_, index) => runAt(from + index * HOUR_MS)), isExhausted: false };
  };

  test('asks at once, keeps the answer, and makes the dag due at its first run', async () => {
    const { clock, questions, untilStocked, dagRow } = await start(TIDES, hourly);
    const now = clock.now();
    await untilStocked();
    expect(questions).toEqual([
      { dagId: 'tides', last: null, now, earliestAt: Date.UTC(2026, 0), latestAt: null, catchup: false, most: 100 },
    ]);
    expect(await dagRow()).toEqual({ nextRunAt: now, problem: null });
  });

  test('asks again, from the latest run on, when half of what it has is used', async () => {
    const { database, clock, questions, untilStocked, dagRow } = await start(TIDES, hourly);
    const now = clock.now();
    await untilStocked();
    const lastAt = now + 50 * HOUR_MS;
    await database.batch([
      insert('dag_run', {
        id: 'latest',
        dag_id: 'tides',
        run_id: 'latest',
        run_type: 'scheduled',
        state: 'success',
        triggered_by: 'timetable',
        conf: '{}',
        logical_at: lastAt,
        interval_start_at: lastAt,
        interval_end_at: lastAt,
        run_after_at: lastAt,
        queued_at: 0,
        dag_version_id: 'tides',
        bundle_version: 'bundle',
      }),
    ]);
    keeper?.wake();
    await untilStocked();
    expect(questions.at(-1)?.last).toEqual(runAt(lastAt));
    expect(await dagRow()).toEqual({ nextRunAt: lastAt + HOUR_MS, problem: null });
  });

  test('asks again when the code may have changed, and not before', async () => {
    const { database, questions, untilStocked } = await start(TIDES, hourly);
    await untilStocked();
    await sql(database, `update dag set bundle_version = 'next'`);
    keeper?.wake();
    await untilStocked();
    expect(questions).toHaveLength(2);
  });

  test('of code that fails keeps why, and makes no runs', async () => {
    const { untilStocked, dagRow } = await start(TIDES, () => ({ type: 'failed', error: { message: 'asking took longer than 30 s' } }));
    await untilStocked();
    expect(await dagRow()).toEqual({ nextRunAt: null, problem: 'asking took longer than 30 s' });
  });

  test('lets a change that came meanwhile stand, and asks again', async () => {
    let isFirst = true;
    const { questions, untilStocked, dagRow, database } = await start(TIDES, async (question, clock) => {
      if (isFirst) await sql(database, 'update dag set next_run_at = 7');
      isFirst = false;
      return hourly(question, clock);
    });
    keeper?.wake();
    await untilStocked();
    expect(questions.length).toBeGreaterThan(1);
    expect((await dagRow())?.nextRunAt).not.toBe(7);
  });
});
