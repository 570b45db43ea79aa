import { describe, expect, test } from 'vitest';
import type { Database, Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { change, insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { claimTriggers, releaseTriggers, selectTriggersOf } from './claim-triggers.ts';
import { createTriggers, type NewTrigger } from './create-triggers.ts';
import { fireDagRunTriggers, fireTriggers, selectFiredTriggers } from './fire-triggers.ts';
import { endJob, startJob } from './jobs.ts';
import { removeUnwantedTriggers } from './remove-triggers.ts';

const NOW = 1_000;
const CODE: NewTrigger = { taskInstanceId: 'instance_1', epoch: 1, trigger: { kind: 'code', name: 'batch_job', argsJson: '{"id":7}' } };
const EVENT = { ok: true, json: '"done"' } as const;

async function triggers(database: Database): Promise<readonly { state: string; event: string | null; term: number | null }[]> {
  const select: Statement<{ state: string; event: string | null; term: number | null }> = {
    name: 'test_read_triggers',
    text: () => `select state, event, triggerer_term as term from trigger order by task_instance_id, epoch`,
    values: [],
  };
  return (await database.batch([select]))[0].map((row) => ({ ...row }));
}

describeDatabases('triggers', (open) => {
  const prepare = async (): Promise<Database> => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'deferred');
    return database;
  };
  const prepareClaimed = async (): Promise<{ database: Database; term: number }> => {
    const database = await prepare();
    const term = await begin(database);
    await database.batch([createTriggers(NOW, [CODE]), claimTriggers(term, 10)]);
    return { database, term };
  };

  describe('createTriggers', () => {
    test('makes one row for each deferral, also when it is run twice', async () => {
      const database = await prepare();
      const [first] = await database.batch([createTriggers(NOW, [CODE])]);
      const [second] = await database.batch([createTriggers(NOW, [CODE])]);
      expect([first.length, second.length]).toEqual([1, 0]);
    });

    test.each([
      ['at another epoch', 'update task_instance set epoch = 2'],
      ['not deferred', `update task_instance set state = 'success'`],
    ])('makes nothing where the task instance is %s', async (_, sql) => {
      const database = await prepare();
      await database.batch([change(sql), createTriggers(NOW, [CODE])]);
      expect(await triggers(database)).toEqual([]);
    });
  });

  describe('claimTriggers', () => {
    test('gives each trigger to one of two triggerers that race, with all that is needed to run it', async () => {
      const database = await prepare();
      const other = await open();
      const terms = [await begin(database), await begin(database)] as const;
      await database.batch([createTriggers(NOW, [CODE])]);
      const claimed = await Promise.all([database.batch([claimTriggers(terms[0], 10)]), other.batch([claimTriggers(terms[1], 10)])]);
      expect(claimed.flatMap(([rows]) => rows)).toEqual([
        {
          taskInstanceId: 'instance_1',
          epoch: 1,
          dagId: 'dag_1',
          runId: 'run_1',
          taskId: 'task_1',
          mapIndex: -1,
          tryNumber: 1,
          name: 'batch_job',
          args: '{"id":7}',
          bundleVersion: 'bundle',
          file: 'dag_1.ts',
        },
      ]);
    });

    test('takes over the triggers of a triggerer whose job has ended, and of no other', async () => {
      const { database, term } = await prepareClaimed();
      const next = await begin(database);
      expect(await database.batch([claimTriggers(next, 10)])).toEqual([[]]);
      const [, taken] = await database.batch([endJob(term), claimTriggers(next, 10)]);
      expect(taken).toHaveLength(1);
      expect((await database.batch([selectTriggersOf(next)]))[0]).toEqual([{ taskInstanceId: 'instance_1', epoch: 1 }]);
    });

    test('takes no more than it is asked for, the oldest first', async () => {
      const database = await prepare();
      await insertTaskInstance(database, 'deferred', { id: 'instance_2', task_id: 'task_2' });
      await database.batch([createTriggers(NOW + 1, [CODE]), createTriggers(NOW, [{ ...CODE, taskInstanceId: 'instance_2' }])]);
      const [[claimed, ...more]] = await database.batch([claimTriggers(await begin(database), 1)]);
      expect([claimed?.taskInstanceId, more]).toEqual(['instance_2', []]);
    });

    test('passes over a trigger whose task instance has gone on', async () => {
      const database = await prepare();
      await database.batch([createTriggers(NOW, [CODE]), change('update task_instance set epoch = 2')]);
      expect(await database.batch([claimTriggers(await begin(database), 10)])).toEqual([[]]);
    });

    test('takes again what was released', async () => {
      const { database, term } = await prepareClaimed();
      await database.batch([releaseTriggers(term, [{ taskInstanceId: 'instance_1', epoch: 1 }])]);
      expect((await database.batch([claimTriggers(term, 10)]))[0]).toHaveLength(1);
    });
  });

  describe('fireTriggers', () => {
    const fired = [{ taskInstanceId: 'instance_1', epoch: 1, event: EVENT }];

    test('keeps the first event', async () => {
      const { database, term } = await prepareClaimed();
      const [first] = await database.batch([fireTriggers(term, NOW, fired)]);
      const [second] = await database.batch([fireTriggers(term, NOW, [{ ...fired[0], event: { ok: false, message: 'late' } }] as never)]);
      expect([first.length, second.length]).toEqual([1, 0]);
      expect(await triggers(database)).toEqual([{ state: 'fired', event: JSON.stringify(EVENT), term }]);
    });

    test('refuses a triggerer that the trigger was taken from', async () => {
      const { database, term } = await prepareClaimed();
      const next = await begin(database);
      await database.batch([endJob(term), claimTriggers(next, 10)]);
      expect(await database.batch([fireTriggers(term, NOW, fired)])).toEqual([[]]);
    });

    test('is seen by the scheduler that holds the run, and by no other', async () => {
      const { database, term } = await prepareClaimed();
      await database.batch([fireTriggers(term, NOW, fired)]);
      expect(await database.batch([selectFiredTriggers(1, 10), selectFiredTriggers(2, 10)])).toEqual([
        [{ taskInstanceId: 'instance_1', epoch: 1, event: JSON.stringify(EVENT) }],
        [],
      ]);
    });
  });

  describe('fireDagRunTriggers', () => {
    const wait = { ...CODE, trigger: { kind: 'dag_run', dagId: 'dag_1', runId: 'run_2' } } as const;

    test.each(['success', 'failed'])('fires when the run has ended in %s, also before anybody waited', async (state) => {
      const database = await prepare();
      await insertDagRun(database, 'run_2', { state });
      await database.batch([createTriggers(NOW, [wait]), fireDagRunTriggers(NOW)]);
      const [row] = await triggers(database);
      const event = JSON.parse(row?.event ?? '') as { ok: boolean; json: string };
      expect([event.ok, JSON.parse(event.json)]).toEqual([true, { dagId: 'dag_1', runId: 'run_2', state }]);
    });

    test('waits while the run goes on', async () => {
      const database = await prepare();
      await insertDagRun(database, 'run_2', { state: 'queued' });
      expect((await database.batch([createTriggers(NOW, [wait]), fireDagRunTriggers(NOW)]))[1]).toEqual([]);
    });

    test('says so where there is no such run', async () => {
      const database = await prepare();
      await database.batch([createTriggers(NOW, [wait]), fireDagRunTriggers(NOW)]);
      const [row] = await triggers(database);
      expect(JSON.parse(row?.event ?? '')).toEqual({
        ok: false,
        message: 'there is no run run_2 of dag dag_1 whose end could be waited for',
      });
    });
  });

  test('are removed once their task instances are not deferred at their epoch any more', async () => {
    const { database } = await prepareClaimed();
    const remove = removeUnwantedTriggers();
    expect(await database.batch([remove])).toEqual([[]]);
    await database.batch([change('update task_instance set epoch = 2')]);
    expect((await database.batch([remove]))[0]).toHaveLength(1);
    expect(await triggers(database)).toEqual([]);
  });

  test('are removed with the run that they belong to', async () => {
    const { database } = await prepareClaimed();
    await database.batch([change('delete from task_instance'), change('delete from dag_run'), removeUnwantedTriggers()]);
    expect(await triggers(database)).toEqual([]);
  });
});

async function begin(database: Database): Promise<number> {
  const [[job]] = await database.batch([startJob({ kind: 'triggerer', hostname: 'host', pid: 1, leaseMs: 10_000 }, NOW)]);
  return job?.term ?? 0;
}
