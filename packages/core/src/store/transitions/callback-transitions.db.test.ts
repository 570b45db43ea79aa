import { CALLBACK_STATES, CALLBACK_TRANSITIONS, type CallbackState } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { Database, Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { change, insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { claimCallbacks, returnOrphanedCallbacks, selectCallbacksOf } from './claim-callbacks.ts';
import { endJob, startJob } from './jobs.ts';
import { requestDagCallbacks, requestTaskCallbacks } from './request-callbacks.ts';
import { settleCallback, startCallback } from './settle-callbacks.ts';

const NOW = 1_000;
const ID = 'instance_1.1.failure';
const FAILURE = { taskInstanceId: 'instance_1', epoch: 1, kind: 'failure', state: 'failed', context: '{}' } as const;

async function states(database: Database): Promise<Record<string, string>> {
  const select: Statement<{ id: string; state: string }> = {
    name: 'test_read_callbacks',
    text: () => `select id, state from callback_request`,
    values: [],
  };
  return Object.fromEntries((await database.batch([select]))[0].map(({ id, state }) => [id, state]));
}

describeDatabases('callback requests', (open) => {
  const prepare = async (): Promise<{ database: Database; term: number }> => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'failed');
    return { database, term: await begin(database) };
  };

  describe('requestTaskCallbacks', () => {
    test('asks once for each attempt and kind', async () => {
      const { database } = await prepare();
      await database.batch([requestTaskCallbacks(NOW, [FAILURE])]);
      await database.batch([requestTaskCallbacks(NOW, [FAILURE])]);
      expect(await states(database)).toEqual({ [ID]: 'scheduled' });
    });

    test.each([
      ['the attempt was given up', { ...FAILURE, epoch: 0 }],
      ['the change was refused', { ...FAILURE, state: 'up_for_retry', kind: 'retry' } as const],
    ])('asks for nothing where %s', async (_, request) => {
      const { database } = await prepare();
      await database.batch([requestTaskCallbacks(NOW, [request])]);
      expect(await states(database)).toEqual({});
    });
  });

  describe('requestDagCallbacks', () => {
    const ended = { dagRunId: 'run_1', kind: 'failure', state: 'failed', context: '{}' } as const;

    test('asks once for each time that the run ends', async () => {
      const { database } = await prepare();
      await database.batch([
        change(`update dag_run set state = 'failed'`),
        requestDagCallbacks(NOW, [ended]),
        requestDagCallbacks(NOW, [ended]),
      ]);
      await database.batch([change(`update dag_run set clear_number = 1`), requestDagCallbacks(NOW, [ended])]);
      expect(Object.keys(await states(database)).toSorted()).toEqual(['run_1.0.failure', 'run_1.1.failure']);
    });

    test('asks for nothing where the run has not ended so', async () => {
      const { database } = await prepare();
      await database.batch([requestDagCallbacks(NOW, [ended])]);
      expect(await states(database)).toEqual({});
    });
  });

  test('move exactly as the protocol says', async () => {
    const { database, term } = await prepare();
    await database.batch([requestTaskCallbacks(NOW, [FAILURE])]);
    const dead = await begin(database);
    await database.batch([endJob(dead)]);
    const moves: readonly { readonly to: CallbackState; readonly statement: Statement<unknown>; readonly owner: number }[] = [
      { to: 'queued', statement: claimCallbacks(term, 10), owner: term },
      { to: 'running', statement: startCallback(term, NOW, ID), owner: term },
      ...(['success', 'failed', 'pending'] as const).map((state) => ({
        to: state,
        statement: settleCallback(term, NOW, { id: ID, state, failure: null }),
        owner: term,
      })),
      { to: 'pending', statement: returnOrphanedCallbacks(), owner: dead },
    ];
    const found = new Map<CallbackState, Set<CallbackState>>(CALLBACK_STATES.map((state) => [state, new Set()]));
    for (const from of CALLBACK_STATES) {
      for (const { to, statement, owner } of moves) {
        await database.batch([change('update callback_request set state = $1, triggerer_term = $2', [from, owner])]);
        const [changed] = await database.batch([statement]);
        if (changed.length === 1) found.get(from)?.add(to);
        expect((await states(database))[ID]).toBe(changed.length === 1 ? to : from);
      }
    }
    const legal = Object.fromEntries(CALLBACK_STATES.map((state) => [state, [...CALLBACK_TRANSITIONS[state]].toSorted()]));
    expect(Object.fromEntries([...found].map(([state, next]) => [state, [...next].toSorted()]))).toEqual(legal);
  });

  test('are given to one of two triggerers that race', async () => {
    const { database, term } = await prepare();
    const other = await open();
    await database.batch([requestTaskCallbacks(NOW, [FAILURE])]);
    const claimed = await Promise.all([
      database.batch([claimCallbacks(term, 10)]),
      other.batch([claimCallbacks(await begin(database), 10)]),
    ]);
    expect(claimed.flatMap(([rows]) => rows)).toHaveLength(1);
  });

  test('of a triggerer that died are called again by another one, which counts the calls', async () => {
    const { database, term } = await prepare();
    await database.batch([requestTaskCallbacks(NOW, [FAILURE]), claimCallbacks(term, 10), startCallback(term, NOW, ID)]);
    const next = await begin(database);
    const [, , claimed] = await database.batch([endJob(term), returnOrphanedCallbacks(), claimCallbacks(next, 10)]);
    expect(claimed).toMatchObject([{ id: ID, attempts: 1, taskId: 'task_1', file: 'dag_1.ts', bundleVersion: 'bundle' }]);
    expect(await database.batch([settleCallback(term, NOW, { id: ID, state: 'success', failure: null })])).toEqual([[]]);
    expect(await database.batch([selectCallbacksOf(next)])).toEqual([[{ id: ID }]]);
  });
});

async function begin(database: Database): Promise<number> {
  const [[job]] = await database.batch([startJob({ kind: 'triggerer', hostname: 'host', pid: 1, leaseMs: 10_000 }, NOW)]);
  return job?.term ?? 0;
}
