import { describe, expect, test } from 'vitest';
import type { Database, SqlValue, Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { change, insertDag, insertDagRun } from '../testing/transition-fixtures.ts';
import {
  missDeadlines,
  missDeadlinesOfExpectedRuns,
  requestDeadlineCallbacks,
  selectDagsWithDeadlines,
  selectDueDeadlines,
  selectNextDeadline,
} from './miss-deadlines.ts';
import {
  noteDeadlinesWritten,
  pruneDeadlines,
  selectRecentRuntimes,
  selectRunsWithoutDeadlines,
  writeDeadlines,
  type WrittenDeadline,
} from './write-deadlines.ts';

const NOW = 1_000;
const DEADLINES = [{ name: 'by_nine', reference: { kind: 'dag_run_queued_at' }, intervalMs: 500 }];
const RUN = { id: 'run_1', clearNumber: 0 };
const BY_NINE: WrittenDeadline = {
  id: 'run_1/by_nine',
  dagRunId: 'run_1',
  logicalAt: null,
  name: 'by_nine',
  reference: 'dag_run_queued_at',
  dueAt: 500,
};

async function deadlines(
  database: Database,
): Promise<readonly { id: string; run: string | null; dueAt: number; missedAt: number | null }[]> {
  const select: Statement<{ id: string; run: string | null; dueAt: number; missedAt: number | null }> = {
    name: 'test_read_deadlines',
    text: () => `select id, dag_run_id as run, due_at as "dueAt", missed_at as "missedAt" from deadline order by id`,
    values: [],
  };
  return (await database.batch([select]))[0].map((row) => ({ ...row }));
}

describeDatabases('deadlines', (open) => {
  const prepare = async (run: Readonly<Record<string, SqlValue>> = {}): Promise<Database> => {
    const database = await open();
    await insertDag(database);
    await database.batch([
      {
        name: 'test_give_deadlines',
        text: () => `update dag_version set deadlines = $1`,
        values: [JSON.stringify(DEADLINES)],
      },
    ]);
    await insertDagRun(database, 'run_1', run);
    return database;
  };
  const write = (database: Database, one = BY_NINE) => database.batch([writeDeadlines(NOW, [RUN], [one]), noteDeadlinesWritten([RUN])]);

  test('are to be written for unfinished runs of versions that have some, until they are written', async () => {
    const database = await prepare();
    await insertDagRun(database, 'run_2', { state: 'success' });
    const [[run, ...more]] = await database.batch([selectRunsWithoutDeadlines(10)]);
    expect([run?.id, JSON.parse(run?.deadlines ?? ''), more]).toEqual(['run_1', DEADLINES, []]);
    await write(database);
    expect(await database.batch([selectRunsWithoutDeadlines(10)])).toEqual([[]]);
  });

  test('are not asked for where a version has none', async () => {
    const database = await prepare();
    await database.batch([change(`update dag_version set deadlines = null`)]);
    expect(await database.batch([selectRunsWithoutDeadlines(10), selectDagsWithDeadlines()])).toEqual([[], []]);
  });

  test('are written again when the run was cleared, and wait again', async () => {
    const database = await prepare();
    await write(database);
    await database.batch([missDeadlines(NOW, [BY_NINE.id]), change('update dag_run set clear_number = 1')]);
    const again = { id: 'run_1', clearNumber: 1 };
    await database.batch([writeDeadlines(NOW, [again], [{ ...BY_NINE, dueAt: 1_500 }]), noteDeadlinesWritten([again])]);
    expect(await deadlines(database)).toEqual([{ id: 'run_1/by_nine', run: 'run_1', dueAt: 1_500, missedAt: null }]);
  });

  test('are not written for a run that was cleared meanwhile', async () => {
    const database = await prepare({ clear_number: 1 });
    await write(database);
    expect(await deadlines(database)).toEqual([]);
    expect((await database.batch([selectRunsWithoutDeadlines(10)]))[0]).toHaveLength(1);
  });

  test('are due in order', async () => {
    const database = await prepare({ conf: '{"a":1}' });
    await write(database);
    expect(await database.batch([selectNextDeadline(), selectDueDeadlines(499, 10)])).toEqual([[{ at: 500 }], []]);
    const [[due]] = await database.batch([selectDueDeadlines(500, 10)]);
    expect(due).toMatchObject({ id: BY_NINE.id, dagRunId: 'run_1', name: 'by_nine', dueAt: 500, conf: '{"a":1}' });
  });

  test('are missed once where two schedulers race, and told once', async () => {
    const database = await prepare();
    const other = await open();
    await write(database);
    const miss = (one: Database) =>
      one.batch([missDeadlines(NOW, [BY_NINE.id]), requestDeadlineCallbacks(NOW, [{ deadlineId: BY_NINE.id, context: '{}' }])]);
    const answers = await Promise.all([miss(database), miss(other)]);
    expect(answers.flatMap(([missed]) => missed)).toHaveLength(1);
    expect(answers.flatMap(([, requested]) => requested)).toEqual([{ id: 'deadline.run_1/by_nine.500' }]);
    expect(await database.batch([selectNextDeadline()])).toEqual([[{ at: null }]]);
  });

  describe.each([
    ['succeeded in time', { state: 'success', ended_at: 500 }, 'met'],
    ['succeeded too late', { state: 'success', ended_at: 501 }, 'missed'],
    ['failed in time', { state: 'failed', ended_at: 400 }, 'missed'],
    ['goes on', { state: 'running' }, 'missed'],
  ] as const)('of a run that %s', (_, ended, outcome) => {
    test(`are ${outcome}`, async () => {
      const database = await prepare();
      await write(database);
      const end = 'ended_at' in ended ? `, ended_at = ${ended.ended_at}` : '';
      await database.batch([change(`update dag_run set state = '${ended.state}'${end}`)]);
      const [missed] = await database.batch([missDeadlines(NOW, [BY_NINE.id])]);
      expect(missed.length).toBe(outcome === 'missed' ? 1 : 0);
      const [pruned] = await database.batch([pruneDeadlines(NOW, ['run_1'])]);
      expect(pruned.length).toBe(outcome === 'met' ? 1 : 0);
    });
  });

  test('are pruned once due where the run was removed', async () => {
    const database = await prepare();
    await write(database);
    await database.batch([change('delete from dag_run')]);
    expect(await database.batch([pruneDeadlines(499, null), pruneDeadlines(500, null)])).toEqual([[], [{ id: BY_NINE.id }]]);
  });

  test('average the last successful runs', async () => {
    const database = await prepare({ started_at: null, ended_at: null });
    for (const [id, started, ended, state] of [
      ['run_2', 0, 9_000, 'success'],
      ['run_3', 10, 110, 'success'],
      ['run_4', 20, 320, 'success'],
      ['run_5', 30, 31, 'failed'],
    ] as const) {
      await insertDagRun(database, id, { state, started_at: started, ended_at: ended, run_after_at: started });
    }
    const [[recent]] = await database.batch([selectRecentRuntimes([{ dagId: 'dag_1', maxRuns: 2 }])]);
    expect(recent).toEqual({ dagId: 'dag_1', maxRuns: 2, runs: 2, averageMs: 200 });
  });

  describe('of a run that should exist', () => {
    const expected = { id: 'dag_1/300/by_nine', dagId: 'dag_1', logicalAt: 300, expectedNextRunAt: 300, name: 'by_nine', dueAt: 800 };
    const prepareExpected = async (): Promise<Database> => {
      const database = await prepare();
      await database.batch([change('update dag set next_run_at = 300')]);
      return database;
    };

    test('are missed once, also where two schedulers race', async () => {
      const database = await prepareExpected();
      const other = await open();
      expect((await database.batch([selectDagsWithDeadlines()]))[0]).toMatchObject([{ dagId: 'dag_1', nextRunAt: 300 }]);
      const miss = (one: Database) =>
        one.batch([
          missDeadlinesOfExpectedRuns(NOW, [expected]),
          requestDeadlineCallbacks(NOW, [{ deadlineId: expected.id, context: '{}' }]),
        ]);
      const answers = await Promise.all([miss(database), miss(other)]);
      expect(answers.flatMap(([missed]) => missed)).toHaveLength(1);
      expect(answers.flatMap(([, requested]) => requested)).toHaveLength(1);
    });

    test('stay missed when the run is created after all, and name it', async () => {
      const database = await prepareExpected();
      await database.batch([missDeadlinesOfExpectedRuns(NOW, [expected])]);
      const late: WrittenDeadline = { ...BY_NINE, id: expected.id, logicalAt: 300, reference: 'dag_run_logical_date', dueAt: 800 };
      await write(database, late);
      expect(await deadlines(database)).toEqual([{ id: expected.id, run: 'run_1', dueAt: 800, missedAt: NOW }]);
    });

    test.each([
      ['its dag is paused', 'update dag set is_paused = 1'],
      ['the dag is gone', 'update dag set is_stale = 1'],
      ['the dag has moved on', 'update dag set next_run_at = 600'],
      ['it exists', `update dag_run set logical_at = 300`],
    ])('are not missed where %s', async (_, sql) => {
      const database = await prepareExpected();
      await database.batch([change(sql)]);
      expect(await database.batch([missDeadlinesOfExpectedRuns(NOW, [expected])])).toEqual([[]]);
    });
  });
});
