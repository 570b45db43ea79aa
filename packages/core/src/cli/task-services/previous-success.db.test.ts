import type { DagRunState } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import type { Database } from '../../store/database.ts';
import { findLiveAttempt } from '../../store/reads/attempts.ts';
import { describeDatabases } from '../../store/testing/describe-databases.ts';
import { serializedTask } from '../../store/testing/serialized-dag.ts';
import { storeDag, storeRun } from '../../store/testing/stored-run.ts';
import { answerPreviousSuccess } from './previous-success.ts';

const DAY = 86_400_000;

/** A run of each of these days in this state, and one that runs on the fifth. */
async function prepare(database: Database, before: Readonly<Record<number, DagRunState>>): Promise<void> {
  const dagVersionId = await storeDag(database, [serializedTask('a')]);
  const datesOf = (day: number) => ({
    logical_at: day * DAY,
    interval_start_at: day * DAY,
    interval_end_at: (day + 1) * DAY,
  });
  for (const [day, state] of Object.entries(before))
    await storeRun(database, { id: `day-${day}`, dagVersionId, state, instances: {}, changes: datesOf(Number(day)) });
  await storeRun(database, { id: 'own', dagVersionId, instances: { a: 'running' }, changes: { logical_at: 5 * DAY } });
}

describeDatabases('the answer to previous_success', (open) => {
  const ask = async (database: Database) => {
    const attempt = await findLiveAttempt(database, { taskInstanceId: 'own.a', epoch: 1 });
    return attempt === undefined ? undefined : answerPreviousSuccess(database, attempt);
  };

  test('is the newest run that succeeded before the own one', async () => {
    const database = await open();
    await prepare(database, { 1: 'success', 2: 'success', 3: 'failed', 4: 'running', 6: 'success' });
    const value = {
      dataIntervalStart: '1970-01-03T00:00:00.000Z',
      dataIntervalEnd: '1970-01-04T00:00:00.000Z',
      startDate: '1970-01-01T00:00:01.000Z',
      endDate: '1970-01-01T00:00:01.000Z',
    };
    expect(await ask(database)).toEqual({ ok: true, value });
  });

  test('is null where none succeeded, or the own run has no logical date', async () => {
    const database = await open();
    await prepare(database, { 4: 'failed' });
    expect(await ask(database)).toEqual({ ok: true, value: null });
    await database.batch([{ name: 'test_undate', text: () => `update dag_run set logical_at = null where id = 'own'`, values: [] }]);
    await database.batch([{ name: 'test_succeed', text: () => `update dag_run set state = 'success' where id = 'day-4'`, values: [] }]);
    expect(await ask(database)).toEqual({ ok: true, value: null });
  });

  test('knows the runs of the own dag alone', async () => {
    const database = await open();
    await prepare(database, {});
    const dagVersionId = await storeDag(database, [], 'one', 'others');
    await storeRun(database, {
      id: 'others',
      dagId: 'others',
      dagVersionId,
      state: 'success',
      instances: {},
      changes: { logical_at: DAY },
    });
    expect(await ask(database)).toEqual({ ok: true, value: null });
  });
});
