import { expect, test } from 'vitest';
import type { Database } from '../../store/database.ts';
import { describeDatabases } from '../../store/testing/describe-databases.ts';
import { serializedTask } from '../../store/testing/serialized-dag.ts';
import { storeDag, storeRun } from '../../store/testing/stored-run.ts';
import { answerDagRunStates } from './dag-run-states.ts';

const NINE = '2026-11-21T09:00:00Z';

async function prepare(database: Database): Promise<void> {
  const dagVersionId = await storeDag(database, [serializedTask('a'), serializedTask('m')]);
  await storeRun(database, {
    id: 'nine',
    dagVersionId,
    state: 'failed',
    instances: { a: 'success', 'm[0]': 'failed', 'm[1]': 'removed' },
    changes: { logical_at: Date.parse(NINE) },
  });
  await storeRun(database, { id: 'by-hand', dagVersionId, instances: { a: 'running' } });
}

describeDatabases('the answer to dag_run_states', (open) => {
  const ask = (database: Database, wish: object = {}) => answerDagRunStates(database, { kind: 'dag_run_states', dagId: 'orders', ...wish });

  test('names the runs with a logical date or an id, and no others', async () => {
    const database = await open();
    await prepare(database);
    const nine = { runId: 'nine', logicalDate: '2026-11-21T09:00:00.000Z', state: 'failed', taskInstances: [] };
    expect(await ask(database, { logicalDates: [NINE, '2026-11-21T10:00:00+00:00'] })).toEqual({ ok: true, value: { runs: [nine] } });
    expect(await ask(database, { runIds: ['by-hand', 'other'] })).toMatchObject({
      value: { runs: [{ runId: 'by-hand', logicalDate: null, state: 'running' }] },
    });
    expect(await ask(database)).toEqual({ ok: true, value: { runs: [] } });
  });

  test('brings the task instances that are asked for, without those that were removed', async () => {
    const database = await open();
    await prepare(database);
    expect(await ask(database, { logicalDates: [NINE], taskIds: ['m'] })).toMatchObject({
      value: { runs: [{ taskInstances: [{ taskId: 'm', mapIndex: 0, state: 'failed' }] }] },
    });
  });

  test('says what does not exist', async () => {
    const database = await open();
    await prepare(database);
    expect(await ask(database, { dagId: 'other' })).toMatchObject({
      ok: false,
      code: 'not_found',
      message: expect.stringContaining('"other"') as unknown,
    });
    expect(await ask(database, { taskIds: ['z'] })).toMatchObject({ ok: false, code: 'not_found' });
    expect(await ask(database, { groupId: 'g' })).toMatchObject({ ok: false, code: 'not_found' });
    expect(await ask(database, { logicalDates: ['nine'] })).toMatchObject({ ok: false, code: 'bad_request' });
  });
});
