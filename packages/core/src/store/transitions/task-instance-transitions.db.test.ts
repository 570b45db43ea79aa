import { TASK_INSTANCE_STATES, TASK_INSTANCE_TRANSITIONS, type TaskInstanceState } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { Database, Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance, read } from '../testing/transition-fixtures.ts';
import { createTaskInstances } from './create-task-instances.ts';
import { deferTaskInstances } from './defer-task-instances.ts';
import { finishTaskInstances, type FinishedAttempt } from './finish-task-instances.ts';
import { haltTaskInstances } from './halt-task-instances.ts';
import { holdDagRuns } from './hold-dag-runs.ts';
import { queueTaskInstances, scheduleAndQueueTaskInstances } from './queue-task-instances.ts';
import { resetTaskInstances } from './reset-task-instances.ts';
import { restartTaskInstances } from './restart-task-instances.ts';
import { scheduleTaskInstances } from './schedule-task-instances.ts';
import { settleTaskInstances, type SettledTaskInstance } from './settle-task-instances.ts';
import { startTaskInstances } from './start-task-instances.ts';

const TICK = '1.1';
const NOW = 1_000;
const hold = holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]);

/** A statement that moves a task instance to a state, told the epoch that its caller knows. */
interface Transition {
  readonly name: string;
  readonly to: TaskInstanceState;
  /** Whether it works only under a run that the tick holds; the others are fenced by the epoch alone. */
  readonly needsHold: boolean;
  readonly from: TaskInstanceState;
  readonly statement: (epoch: number) => Statement<{ id: string }>;
}

const instance = (epoch: number) => [{ id: 'instance_1', epoch }];
const scheduled = (epoch: number, raisesTry: 0 | 1 = 1) => [{ id: 'instance_1', epoch, raisesTry, resumption: null }];
const slot = { id: 'instance_1', pool: 'default_pool', poolSlots: 1, dagId: 'dag_1', taskId: 'task_1', maxPerDag: null };
const queued = (epoch: number) => [{ ...slot, epoch }];
const begin = (epoch: number): Statement<{ id: string }> =>
  scheduleAndQueueTaskInstances(TICK, NOW, 'local', [{ ...slot, epoch, raisesTry: 1, resumption: null }]);
const ended = { taskInstanceId: 'instance_1', endedAt: NOW, retryAt: null, maxTries: 3, losses: 0, reschedules: 0 } as const;
const nothing = { failure: null, decision: null, deferral: null, mapIndexLabel: null } as const;
const finish =
  (from: 'running' | 'deferred', state: FinishedAttempt['state']) =>
  (epoch: number): Statement<{ id: string }> =>
    finishTaskInstances([{ ...ended, ...nothing, epoch, from, state }]);
const settle = (state: SettledTaskInstance['state']) => (epoch: number) =>
  settleTaskInstances(TICK, NOW, [{ id: 'instance_1', epoch, state, failure: null, decision: null }]);
const halt = (state: 'failed' | 'skipped') => (epoch: number) =>
  haltTaskInstances(TICK, NOW, [{ id: 'instance_1', epoch, state, failure: null }]);

const TRANSITIONS: readonly Transition[] = [
  {
    name: 'schedule',
    from: 'none',
    to: 'scheduled',
    needsHold: true,
    statement: (epoch) => scheduleTaskInstances(TICK, NOW, scheduled(epoch)),
  },
  {
    name: 'defer',
    from: 'none',
    to: 'deferred',
    needsHold: true,
    statement: (epoch) => deferTaskInstances(TICK, NOW, [{ id: 'instance_1', epoch, deferral: '{}' }]),
  },
  { name: 'reset', from: 'queued', to: 'scheduled', needsHold: true, statement: (epoch) => resetTaskInstances(TICK, instance(epoch)) },
  {
    name: 'queue',
    from: 'scheduled',
    to: 'queued',
    needsHold: true,
    statement: (epoch) => queueTaskInstances(TICK, NOW, 'local', queued(epoch)),
  },
  {
    name: 'start',
    from: 'queued',
    to: 'running',
    needsHold: false,
    statement: (epoch) => startTaskInstances([{ taskInstanceId: 'instance_1', epoch, startedAt: NOW, hostname: 'host', pid: 1 }]),
  },
  ...(['success', 'failed', 'skipped', 'up_for_retry', 'up_for_reschedule', 'deferred'] as const).map((state) => ({
    name: `finish as ${state}`,
    from: 'running' as const,
    to: state,
    needsHold: false,
    statement: finish('running', state),
  })),
  ...(['failed', 'up_for_retry'] as const).map((state) => ({
    name: `end of a wait as ${state}`,
    from: 'deferred' as const,
    to: state,
    needsHold: false,
    statement: finish('deferred', state),
  })),
  ...(['failed', 'skipped'] as const).map((state) => ({
    name: `halt as ${state}`,
    from: 'running' as const,
    to: state,
    needsHold: true,
    statement: halt(state),
  })),
  {
    name: 'restart',
    from: 'restarting',
    to: 'none',
    needsHold: true,
    statement: (epoch) => restartTaskInstances(TICK, [{ id: 'instance_1', epoch, maxTries: 3 }]),
  },
  ...(['success', 'failed', 'skipped', 'upstream_failed', 'removed'] as const).map((state) => ({
    name: `settle as ${state}`,
    from: 'none' as const,
    to: state,
    needsHold: true,
    statement: settle(state),
  })),
];

describeDatabases('transitions of task instances', (open) => {
  const prepare = async (state: TaskInstanceState): Promise<Database> => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, state);
    return database;
  };

  test.each(['queued', 'running'] as const)(
    'a start and an end that were heard of together are stored together, from %s',
    async (state) => {
      const database = await prepare(state);
      const started = { startedAt: NOW - 5, hostname: 'host', pid: 7 };
      const [, changed, again] = await database.batch([
        hold,
        finishTaskInstances([{ ...ended, ...nothing, epoch: 1, from: 'queued', state: 'success', started }]),
        finishTaskInstances([{ ...ended, ...nothing, epoch: 1, from: 'queued', state: 'success', started }]),
      ]);
      expect([changed, again]).toEqual([[{ id: 'instance_1' }], []]);
      expect(await read(database, 'task_instance', 'state', 'instance_1')).toBe('success');
      expect(await read(database, 'task_instance', 'hostname', 'instance_1')).toBe(state === 'queued' ? 'host' : null);
    },
  );

  test.each(['none', 'scheduled', 'deferred', 'restarting', 'failed'] as const)('and not from %s', async (state) => {
    const database = await prepare(state);
    const started = { startedAt: NOW - 5, hostname: 'host', pid: 7 };
    const [changed] = await database.batch([
      finishTaskInstances([{ ...ended, ...nothing, epoch: 1, from: 'queued', state: 'success', started }]),
    ]);
    expect(changed).toEqual([]);
    expect(await read(database, 'task_instance', 'state', 'instance_1')).toBe(state);
  });

  test('are together exactly those of the protocol', async () => {
    const database = await prepare('none');
    const found = new Map<TaskInstanceState, Set<TaskInstanceState>>(TASK_INSTANCE_STATES.map((state) => [state, new Set()]));
    for (const from of TASK_INSTANCE_STATES) {
      for (const { to, statement } of TRANSITIONS) {
        await setState(database, from);
        const [, changed] = await database.batch([hold, statement(1)]);
        if (changed.length === 1) found.get(from)?.add(to);
        expect(await read(database, 'task_instance', 'state', 'instance_1')).toBe(changed.length === 1 ? to : from);
      }
    }
    const legal = Object.fromEntries(TASK_INSTANCE_STATES.map((state) => [state, [...TASK_INSTANCE_TRANSITIONS[state]].toSorted()]));
    expect(Object.fromEntries([...found].map(([state, next]) => [state, [...next].toSorted()]))).toEqual(legal);
  });

  describe.each(TRANSITIONS)('$name', ({ from, statement }) => {
    test('changes nothing the second time', async () => {
      const database = await prepare(from);
      const [, first] = await database.batch([hold, statement(1)]);
      const [, second] = await database.batch([hold, statement(1)]);
      expect([first.length, second.length]).toEqual([1, 0]);
    });

    test('changes nothing at another epoch', async () => {
      const database = await prepare(from);
      const [, changed] = await database.batch([hold, statement(2)]);
      expect(changed).toEqual([]);
      expect(await read(database, 'task_instance', 'state', 'instance_1')).toBe(from);
    });

    test('is won by one of two that race', async () => {
      const database = await prepare(from);
      const other = await open();
      const attempts = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? database : other).batch([hold, statement(1)]));
      const changed = (await Promise.all(attempts)).map(([, rows]) => rows.length);
      expect(changed.reduce((sum, count) => sum + count, 0)).toBe(1);
    });
  });

  test.each(TRANSITIONS.filter(({ needsHold }) => needsHold))('$name changes nothing without the run', async ({ from, statement }) => {
    const database = await prepare(from);
    const lost = holdDagRuns(TICK, 2, NOW, [{ id: 'run_1', revision: 0 }]);
    const changedSince = holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 1 }]);
    expect(await database.batch([lost, statement(1)])).toEqual([[], []]);
    expect(await database.batch([changedSince, statement(1)])).toEqual([[], []]);
  });

  test('schedule begins the next attempt and clears what the last one left', async () => {
    const database = await prepare('up_for_retry');
    await database.batch([hold, scheduleTaskInstances(TICK, NOW, scheduled(1))]);
    expect(await read(database, 'task_instance', 'epoch', 'instance_1')).toBe(2);
    expect(await read(database, 'task_instance', 'try_number', 'instance_1')).toBe(2);
    expect(await read(database, 'task_instance', 'retry_at', 'instance_1')).toBeNull();
  });

  test('reset raises the epoch and keeps the try', async () => {
    const database = await prepare('queued');
    await database.batch([hold, resetTaskInstances(TICK, instance(1))]);
    expect(await read(database, 'task_instance', 'epoch', 'instance_1')).toBe(2);
    expect(await read(database, 'task_instance', 'try_number', 'instance_1')).toBe(1);
  });

  test.each(['none', 'up_for_retry', 'up_for_reschedule'] as const)(
    'what begins while a slot is free is scheduled and queued together, from %s',
    async (state) => {
      const database = await prepare(state);
      const [, changed, again] = await database.batch([hold, begin(1), begin(1)]);
      expect([changed, again]).toEqual([[{ id: 'instance_1', state: 'queued' }], []]);
      expect(await read(database, 'task_instance', 'epoch', 'instance_1')).toBe(2);
      expect(await read(database, 'task_instance', 'scheduled_at', 'instance_1')).toBe(NOW);
      expect(await read(database, 'task_instance', 'queued_at', 'instance_1')).toBe(NOW);
      expect(await read(database, 'task_instance', 'executor', 'instance_1')).toBe('local');
    },
  );

  test.each(['scheduled', 'queued', 'running', 'deferred', 'restarting', 'success'] as const)(
    'and nothing begins from %s',
    async (state) => {
      const database = await prepare(state);
      expect(await database.batch([hold, begin(1)])).toEqual([[{ id: 'run_1' }], []]);
      expect(await read(database, 'task_instance', 'state', 'instance_1')).toBe(state);
    },
  );

  test('what begins is only scheduled where there is no slot after all', async () => {
    const database = await prepare('up_for_retry');
    await database.batch([{ name: 'test_fill', text: () => 'update pool set slots = 0', values: [] }]);
    const [, changed] = await database.batch([hold, begin(1)]);
    expect(changed).toEqual([{ id: 'instance_1', state: 'scheduled' }]);
    expect(await read(database, 'task_instance', 'queued_at', 'instance_1')).toBeNull();
    expect(await read(database, 'task_instance', 'retry_at', 'instance_1')).toBeNull();
  });

  test('nothing begins without the run', async () => {
    const database = await prepare('none');
    const lost = holdDagRuns(TICK, 2, NOW, [{ id: 'run_1', revision: 0 }]);
    expect(await database.batch([lost, begin(1)])).toEqual([[], []]);
  });

  test('queue refuses while the dag is paused', async () => {
    const database = await prepare('scheduled');
    await database.batch([{ name: 'test_pause', text: () => 'update dag set is_paused = 1', values: [] }]);
    const [, changed] = await database.batch([hold, queueTaskInstances(TICK, NOW, 'local', queued(1))]);
    expect(changed).toEqual([]);
  });

  test('create makes each task instance of a run once', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    const place = { pool: 'default_pool', poolSlots: 1, priorityWeight: 1, queue: 'default' };
    const created = (id: string) =>
      createTaskInstances(TICK, [{ id, dagRunId: 'run_1', taskId: 'task_1', mapIndex: -1, maxTries: 1, operator: 'function', ...place }]);
    const [, first] = await database.batch([hold, created('instance_1')]);
    const [, second] = await database.batch([hold, created('instance_2')]);
    expect([first.length, second.length]).toEqual([1, 0]);
  });
});

async function setState(database: Database, state: TaskInstanceState): Promise<void> {
  await database.batch([{ name: 'test_set_state', text: () => `update task_instance set state = $1, epoch = 1`, values: [state] }]);
}
