import { expect, test } from 'vitest';
import { Masker } from '../../model/masking/masker.ts';
import { ValueSealer, type Sealing } from '../../model/masking/value-sealer.ts';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { createMemoryValues } from '../../platform/testing/memory-values.ts';
import { LargeValues } from '../../platform/value-store.ts';
import type { Database } from '../../store/database.ts';
import { findLiveAttempt, type LiveAttempt } from '../../store/reads/attempts.ts';
import { describeDatabases } from '../../store/testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../../store/testing/transition-fixtures.ts';
import { answerPushXCom, answerXCom } from './xcoms.ts';

const SECRET = 'hunter2-and-more';
const sealing: Sealing = {
  seal: (text) => Buffer.from(text).toString('base64'),
  open: (sealed) => Buffer.from(sealed, 'base64').toString(),
};

async function prepare(database: Database) {
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, 'running');
  const attempt = (await findLiveAttempt(database, { taskInstanceId: 'instance_1', epoch: 1 })) as LiveAttempt;
  const masker = new Masker();
  masker.add(SECRET);
  const store = createMemoryValues();
  const largeValues = new LargeValues({ store, offloadBytes: 10, log: silentLog });
  const parts = { database, clock: systemClock, sealer: new ValueSealer(masker, sealing), largeValues };
  const push = (value: unknown) => answerPushXCom(parts, attempt, { kind: 'push_xcom', key: 'rows', valueJson: JSON.stringify(value) });
  const pull = () => answerXCom(parts, attempt, { kind: 'xcom', taskId: 'task_1', key: 'rows' });
  return { store, push, pull };
}

describeDatabases('a large value that a task pushes', (open) => {
  test('lies in the store, sealed where it holds a secret, and is pulled as it was pushed', async () => {
    const { store, push, pull } = await prepare(await open());
    const value = { token: SECRET, rows: [1, 2, 3] };
    expect(await push(value)).toMatchObject({ ok: true });
    const [text = ''] = store.texts.values();
    expect(text).toContain('"rows":[1,2,3]');
    expect(text).not.toContain(SECRET);
    expect(await pull()).toEqual({ ok: true, value });
  });

  test('that is missing is an answer that names the task and the key', async () => {
    const { store, push, pull } = await prepare(await open());
    await push([1, 2, 3, 4, 5]);
    store.texts.clear();
    expect(await pull()).toMatchObject({
      ok: false,
      code: 'unavailable',
      message: expect.stringContaining('XCom "rows" of task "task_1" cannot be read') as string,
    });
  });
});
