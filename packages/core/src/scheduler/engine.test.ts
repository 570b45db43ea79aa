import type { MapSource, SerializedDag, SerializedTask, TriggerRule, TryOutcome } from '@tradewind/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { planClear, type ClearOptions } from '../model/clear.ts';
import { operateOnDagRuns } from '../store/operate-on-dag-runs.ts';
import { serializedAsset, serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, type SchedulerWorld } from './testing/scheduler-world.ts';

let world: SchedulerWorld | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const open = async (dag: Partial<SerializedDag>, parallelism?: number): Promise<SchedulerWorld> =>
  (world = await createSchedulerWorld([serializedDag(dag)], parallelism));
const start = async (dag: Partial<SerializedDag>, parallelism?: number): Promise<SchedulerWorld> => {
  const its = await open(dag, parallelism);
  await its.trigger('orders');
  return its;
};
const task = (taskId: string, changes: Partial<SerializedTask> = {}): SerializedTask =>
  serializedTask(taskId, { operator: 'function', ...changes });
const after = (taskId: string, upstream: readonly string[], triggerRule: TriggerRule = 'all_success'): SerializedTask =>
  task(taskId, { upstream, triggerRule });
const xcom = (taskId: string) => ({ kind: 'xcom', taskId }) as const;
const states = async (its: SchedulerWorld): Promise<Record<string, string>> => {
  const rows = await its.rows<{ task: string; index: number; state: string }>(
    `select task_id as task, map_index as "index", state from task_instance order by task_id, map_index`,
  );
  return Object.fromEntries(rows.map(({ task: taskId, index, state }) => [index === -1 ? taskId : `${taskId}[${index}]`, state]));
};
const runState = async (its: SchedulerWorld): Promise<string> =>
  (await its.rows<{ state: string }>('select state from dag_run order by id desc limit 1'))[0]?.state ?? '';
const clear = async (its: SchedulerWorld, { tasks }: Pick<ClearOptions, 'tasks'>): Promise<void> => {
  const options = { tasks, upstream: false, downstream: false, onlyFailed: false, onlyRunning: false };
  const context = { database: its.database, now: its.clock.now(), newId: () => `${its.clock.now()}` };
  await operateOnDagRuns(context, { selection: { dagId: 'orders', runId: 'run-1' }, decide: (run) => planClear(run, options) });
  its.scheduler.wake('runs');
  await its.clock.advance(1);
};
const choose = (...follow: string[]): TryOutcome => ({
  result: 'success',
  valueJson: 'null',
  events: [],
  decision: { kind: 'branch', follow },
});

describe('a branch', () => {
  const dag = {
    tasks: [
      task('size', { decision: { kind: 'branch', choices: ['big', 'small'] } }),
      task('big', { upstream: ['size'], followedOn: { size: ['big'] } }),
      task('small', { upstream: ['size'], followedOn: { size: ['small'] } }),
      after('always_after', ['size']),
      after('join', ['big', 'small'], 'none_failed_min_one_success'),
    ],
  };

  test('skips every choice that it did not return, at once', async () => {
    const its = await start(dag);
    await its.end('size', choose('big'));
    expect(await states(its)).toMatchObject({ big: 'queued', small: 'skipped', always_after: 'queued', join: 'none' });
  });

  test('may follow several, or none', async () => {
    const its = await start(dag);
    await its.end('size', choose('big', 'small'));
    expect(its.dispatched()).toEqual(['big', 'small', 'always_after']);
    await its.trigger('orders');
    await its.end('size', choose());
    expect(
      await its.rows(`select task_id as task from task_instance where run_id = 'run-2' and state = 'skipped' order by task_id`),
    ).toEqual([{ task: 'big' }, { task: 'join' }, { task: 'small' }]);
  });

  test('does not skip what a followed choice leads to', async () => {
    const its = await start({
      tasks: [
        task('size', { decision: { kind: 'branch', choices: ['long', 'short'] } }),
        task('long', { upstream: ['size'], followedOn: { size: ['long'] } }),
        task('join', { upstream: ['size', 'long'], followedOn: { size: ['short'] }, triggerRule: 'none_failed' }),
      ],
    });
    await its.end('size', choose('long'));
    expect(await states(its)).toMatchObject({ long: 'queued', join: 'none' });
  });

  test('is remembered over a crash', async () => {
    const its = await start(dag);
    await its.end('size', choose('big'));
    await its.crash();
    expect(await states(its)).toMatchObject({ big: 'queued', small: 'skipped', join: 'none' });
  });
});

describe('a short circuit that does not go on', () => {
  const stop: TryOutcome = { result: 'success', valueJson: 'false', events: [], decision: { kind: 'short_circuit', goesOn: false } };
  const tasks = (skips: 'all' | 'direct') => [
    task('gate', { decision: { kind: 'short_circuit', skips } }),
    after('next', ['gate']),
    after('last', ['next'], 'all_done'),
  ];

  test('skips everything below it, whatever the rules say', async () => {
    const its = await start({ tasks: tasks('all') });
    await its.end('gate', stop);
    expect(await states(its)).toEqual({ gate: 'success', next: 'skipped', last: 'skipped' });
    expect(await runState(its)).toBe('success');
  });

  test('skips what is directly below it, and leaves the rest to the rules', async () => {
    const its = await start({ tasks: tasks('direct') });
    await its.end('gate', stop);
    expect(await states(its)).toEqual({ gate: 'success', next: 'skipped', last: 'queued' });
  });
});

describe('dynamic mapping', () => {
  const product = (over: Readonly<Record<string, string>>, changes: Partial<SerializedTask> = {}): SerializedTask =>
    task('each', {
      upstream: Object.values(over),
      expand: { kind: 'product', over: Object.entries(over).map(([name, taskId]) => ({ name, source: xcom(taskId) })) },
      ...changes,
    });
  const dag = {
    tasks: [
      task('list'),
      product({ item: 'list' }, { inputs: { unit: { kind: 'literal', value: 'kg' } } }),
      task('join', { upstream: ['each'], inputs: { all: xcom('each') } }),
    ],
  };

  test('makes one task instance of each element, and the list of their values for what follows', async () => {
    const its = await start(dag);
    await its.succeed('list', ['a', 'b', 'c']);
    expect(await states(its)).toEqual({ list: 'success', 'each[0]': 'queued', 'each[1]': 'queued', 'each[2]': 'queued', join: 'none' });
    expect(its.workload('each').inputsJson).toEqual({ item: '"a"', unit: '"kg"' });
    for (const value of [1, 2, 3]) await its.succeed('each', value);
    expect(its.workload('join').inputsJson).toEqual({ all: '[1,2,3]' });
    await its.end('join');
    expect(await runState(its)).toBe('success');
  });

  test('makes a cross product of several lists, the last varying fastest', async () => {
    const its = await start({ tasks: [task('one'), task('two'), product({ x: 'one', y: 'two' })] });
    await its.succeed('one', [1, 2]);
    await its.succeed('two', { k: 'v', l: 'w' });
    const inputs: unknown[] = [];
    while (its.dispatched().includes('each')) {
      inputs.push(its.workload('each').inputsJson);
      await its.end('each');
    }
    expect(inputs).toEqual([
      { x: '1', y: '["k","v"]' },
      { x: '1', y: '["l","w"]' },
      { x: '2', y: '["k","v"]' },
      { x: '2', y: '["l","w"]' },
    ]);
  });

  test('gives each task instance its own set of arguments', async () => {
    const its = await start({
      tasks: [task('list'), task('each', { upstream: ['list'], expand: { kind: 'sets', source: xcom('list') } })],
    });
    await its.succeed('list', [{ a: 1 }, { a: 2, b: 3 }]);
    await its.end('each');
    expect(its.workload('each').inputsJson).toEqual({ a: '2', b: '3' });
  });

  test('skips a mapped task without elements, and what needs it', async () => {
    const its = await start(dag);
    await its.succeed('list', []);
    expect(await states(its)).toEqual({ list: 'success', each: 'skipped', join: 'skipped' });
    expect(await runState(its)).toBe('success');
  });

  test('fails the producer of a value that is no list, or too long a one', async () => {
    const its = await start(dag);
    await its.succeed('list', 5);
    expect(await states(its)).toEqual({ list: 'failed', each: 'upstream_failed', join: 'upstream_failed' });
    await its.trigger('orders');
    await its.succeed(
      'list',
      Array.from({ length: 1_025 }, () => 0),
    );
    const [row] = await its.rows<{ failure: string }>(`select failure from task_instance where run_id = 'run-2' and task_id = 'list'`);
    expect(JSON.parse(row?.failure ?? '')).toEqual({
      kind: 'bad_value',
      message: 'the value that each is mapped over has 1025 elements, and at most 1024 are allowed (max_map_length)',
    });
  });

  test('cannot run over a list that was never made, whatever its rule', async () => {
    const its = await start({ tasks: [task('list'), product({ item: 'list' }, { triggerRule: 'all_done' })] });
    await its.end('list', FAILURE);
    expect(await states(its)).toEqual({ list: 'failed', each: 'upstream_failed' });
  });

  test('creates many task instances in portions, also over a crash', async () => {
    const its = await start(dag, 4);
    const length = 1_000;
    await its.succeed(
      'list',
      Array.from({ length }, (_, index) => index),
    );
    await its.crash();
    for (let left = length; left > 0; left -= 1) await its.end('each');
    expect(
      (await its.rows<{ n: number }>(`select count(*) as n from task_instance where task_id = 'each' and state = 'success'`))[0]?.n,
    ).toBe(length);
    await its.end('join');
    expect(await runState(its)).toBe('success');
  });

  const mappedGroup = (source: MapSource) => [{ groupId: 'g', expand: { kind: 'sets', source } as const }];
  const pair = { kind: 'literal', value: [{}, {}] } as const;

  test('knows the places of what runs over a literal list, also after a crash', async () => {
    const its = await start({ tasks: [task('each', { expand: { kind: 'sets', source: pair } })] });
    await its.crash();
    expect(await states(its)).toEqual({ 'each[0]': 'queued', 'each[1]': 'queued' });
    expect(its.workload('each').context).toMatchObject({ mapIndex: 0, expandedCount: 2 });
  });

  test('expands a mapped group once, however many of its tasks are ready for it', async () => {
    const its = await start({ tasks: [task('g.a', { groupId: 'g' }), task('g.b', { groupId: 'g' })], groups: mappedGroup(pair) });
    expect(its.dispatched()).toEqual(['g.a', 'g.b', 'g.a', 'g.b']);
    for (const taskId of its.dispatched()) await its.end(taskId);
    expect(await runState(its)).toBe('success');
  });

  test('skips every task of a mapped group without elements, whatever their rules make of the skips above', async () => {
    const its = await start({
      tasks: [task('list'), task('g.a', { groupId: 'g', upstream: ['list'] }), { ...after('g.b', ['g.a'], 'none_failed'), groupId: 'g' }],
      groups: mappedGroup(xcom('list')),
    });
    await its.succeed('list', []);
    expect(await states(its)).toEqual({ list: 'success', 'g.a': 'skipped', 'g.b': 'skipped' });
  });

  test('gives a task that had ended before its group was expanded its task instances where it is cleared', async () => {
    const its = await start({
      tasks: [
        task('a'),
        task('list'),
        task('g.a', { groupId: 'g', upstream: ['list'] }),
        task('g.b', { groupId: 'g', upstream: ['list', 'a'] }),
      ],
      groups: mappedGroup(xcom('list')),
    });
    await its.end('a', FAILURE);
    await its.succeed('list', [{}, {}]);
    expect(await states(its)).toMatchObject({ 'g.a[1]': 'queued', 'g.b': 'upstream_failed' });
    await clear(its, { tasks: [{ taskId: 'a' }, { taskId: 'g.b' }] });
    await its.end('a');
    expect(await states(its)).toMatchObject({ 'g.b[0]': 'queued', 'g.b[1]': 'queued' });
  });

  test('expands anew where only some of it was cleared: what is too much is removed, what is missing is made, what has ended stays', async () => {
    const its = await start(dag);
    await its.succeed('list', ['a', 'b', 'c']);
    for (const value of [1, 2, 3]) await its.succeed('each', value);
    await its.end('join');
    const tasks = [{ taskId: 'list' }, { taskId: 'each', mapIndex: 1 }, { taskId: 'each', mapIndex: 2 }, { taskId: 'join' }];
    await clear(its, { tasks });
    expect(its.dispatched()).toEqual(['list']);
    await its.succeed('list', ['a', 'b']);
    expect(await states(its)).toMatchObject({ 'each[0]': 'success', 'each[1]': 'queued', 'each[2]': 'removed', join: 'none' });
    await its.end('each');
    await its.end('join');
    expect(await runState(its)).toBe('success');
    await clear(its, { tasks });
    await its.succeed('list', ['a', 'b', 'c', 'd']);
    expect(await states(its)).toMatchObject({ 'each[0]': 'success', 'each[1]': 'queued', 'each[3]': 'queued', join: 'none' });
  });

  test('removes again what was too much where a part of a mapped group is cleared later', async () => {
    const its = await start({
      tasks: [task('list'), task('g.a', { groupId: 'g', upstream: ['list'] }), task('g.b', { groupId: 'g', upstream: ['list'] })],
      groups: mappedGroup(xcom('list')),
    });
    await its.succeed('list', [{}, {}]);
    for (const taskId of ['g.a', 'g.a', 'g.b', 'g.b']) await its.end(taskId);
    await clear(its, { tasks: [{ taskId: 'list' }, { taskId: 'g.a' }, { taskId: 'g.b' }] });
    await its.succeed('list', [{}]);
    for (const taskId of ['g.a', 'g.b']) await its.end(taskId);
    expect(await states(its)).toMatchObject({ 'g.a[1]': 'removed', 'g.b[1]': 'removed' });
    await clear(its, { tasks: [{ taskId: 'g.b' }] });
    expect(await states(its)).toMatchObject({ 'g.b[0]': 'queued', 'g.b[1]': 'removed' });
    await its.end('g.b');
    expect(await runState(its)).toBe('success');
  });

  test('runs each index of a mapped group depth first', async () => {
    const its = await start({
      tasks: [
        task('list'),
        task('g.first', { groupId: 'g', upstream: ['list'], inputs: { item: { kind: 'expanded', name: 'item' } } }),
        task('g.second', {
          groupId: 'g',
          upstream: ['g.first'],
          inputs: { first: xcom('g.first'), item: { kind: 'expanded', name: 'item' } },
        }),
        task('join', { upstream: ['g.second'], inputs: { all: xcom('g.second') } }),
      ],
      groups: [{ groupId: 'g', expand: { kind: 'product', over: [{ name: 'item', source: xcom('list') }] } }],
    });
    await its.succeed('list', ['a', 'b']);
    await its.succeed('g.first', 1);
    expect(await states(its)).toEqual({
      list: 'success',
      'g.first[0]': 'success',
      'g.first[1]': 'queued',
      'g.second[0]': 'queued',
      'g.second[1]': 'none',
      join: 'none',
    });
    expect(its.workload('g.second').inputsJson).toEqual({ first: '1', item: '"a"' });
    await its.end('g.first', FAILURE);
    expect(await states(its)).toMatchObject({ 'g.second[0]': 'queued', 'g.second[1]': 'upstream_failed', join: 'upstream_failed' });
  });
});

describe('setup and teardown', () => {
  const dag = {
    tasks: [
      task('make', { role: 'setup' }),
      after('work', ['make']),
      after('more', ['work'], 'all_done'),
      task('drop', { role: 'teardown', setups: ['make'], upstream: ['make', 'more'], triggerRule: 'all_done_setup_success' }),
    ],
  } satisfies Partial<SerializedDag>;

  test('takes away what was made, whatever became of the work, and does not decide how the run ends', async () => {
    const its = await start(dag);
    await its.end('make');
    await its.end('work', FAILURE);
    await its.end('more', FAILURE);
    expect(its.dispatched()).toEqual(['drop']);
    await its.end('drop', FAILURE);
    expect(await runState(its)).toBe('failed');
    await its.trigger('orders');
    for (const taskId of ['make', 'work', 'more']) await its.end(taskId);
    await its.end('drop', FAILURE);
    expect(await runState(its)).toBe('success');
  });

  test('does nothing where nothing was made', async () => {
    const its = await start(dag);
    await its.end('make', FAILURE);
    expect(await states(its)).toEqual({ make: 'failed', work: 'upstream_failed', more: 'upstream_failed', drop: 'upstream_failed' });
    await its.trigger('orders');
    await its.end('make', { result: 'skipped', reason: 'no need' });
    expect(await states(its)).toMatchObject({ make: 'skipped', work: 'skipped', more: 'skipped', drop: 'skipped' });
  });
});

describe('earlier runs', () => {
  test('a task that depends on the past waits until its task instance of the run before is good', async () => {
    const its = await open({ tasks: [task('load', { dependsOnPast: true })] });
    await its.trigger('orders', {}, 1_000);
    await its.trigger('orders', {}, 2_000);
    expect(its.dispatched()).toEqual(['load']);
    await its.end('load', FAILURE);
    expect(its.dispatched()).toEqual([]);
    await its.trigger('orders', {}, 500);
    expect(its.dispatched()).toEqual(['load']);
  });

  test('goes on in order, run after run', async () => {
    const its = await open({ tasks: [task('load', { dependsOnPast: true })] });
    for (const at of [1_000, 2_000, 3_000]) await its.trigger('orders', {}, at);
    for (const runId of ['run-1', 'run-2', 'run-3']) {
      expect(its.dispatched()).toEqual(['load']);
      expect(its.workload('load').context.runId).toBe(runId);
      await its.end('load');
    }
  });

  test('wait_for_downstream waits for what is below as well', async () => {
    const its = await open({ tasks: [task('load', { waitForDownstream: true }), after('report', ['load'])] });
    await its.trigger('orders', {}, 1_000);
    await its.trigger('orders', {}, 2_000);
    await its.end('load');
    expect(its.dispatched()).toEqual(['report']);
    await its.end('report');
    expect(its.dispatched()).toEqual(['load']);
  });
});

describe('the end of a run', () => {
  test('comes with the first failure where the dag says so: what runs is stopped, the rest skipped', async () => {
    const its = await start({ failFast: true, tasks: [task('a'), task('b'), after('c', ['b'])] });
    await its.end('a', FAILURE);
    expect(await states(its)).toEqual({ a: 'failed', b: 'skipped', c: 'skipped' });
    expect(its.cancelled()).toEqual(['b']);
    expect(await runState(its)).toBe('failed');
  });

  test('comes when it takes too long', async () => {
    const its = await start({ dagrunTimeoutMs: 60_000, tasks: [task('a'), after('b', ['a'])] });
    await its.clock.advance(59_999);
    expect(await runState(its)).toBe('running');
    await its.clock.advance(1);
    expect(await states(its)).toEqual({ a: 'skipped', b: 'skipped' });
    expect(its.cancelled()).toEqual(['a']);
    expect(await its.rows('select state, end_reason as reason from dag_run')).toEqual([{ state: 'failed', reason: 'timed_out' }]);
  });

  test('leaves no task without a row, also where it comes before all have one', async () => {
    const its = await start({ dagrunTimeoutMs: 60_000, tasks: [task('a'), after('b', ['a']), after('c', ['b'])] });
    await its.rows(`delete from task_instance where task_id <> 'a'`);
    await its.rows('update dag_run set started_at = started_at - 60000');
    await its.crash();
    expect(await states(its)).toEqual({ a: 'skipped', b: 'skipped', c: 'skipped' });
    expect(await runState(its)).toBe('failed');
  });

  test('waits for what was cleared while it ran, and does not let it begin anew', async () => {
    const its = await start({ dagrunTimeoutMs: 60_000, tasks: [task('a'), after('b', ['a'])] });
    its.scheduler.report({ type: 'started', attempt: its.workload('a').attempt, at: its.clock.now(), pid: 1, hostname: 'host' });
    await its.clock.advance(20);
    await clear(its, { tasks: [{ taskId: 'a' }] });
    expect(await states(its)).toEqual({ a: 'restarting', b: 'none' });
    await its.clock.advance(60_000);
    expect(await states(its)).toEqual({ a: 'restarting', b: 'skipped' });
    expect(await runState(its)).toBe('running');
    await its.end('a');
    expect(await states(its)).toEqual({ a: 'skipped', b: 'skipped' });
    expect(await its.rows('select state, end_reason as reason from dag_run')).toEqual([{ state: 'failed', reason: 'timed_out' }]);
  });

  test('pauses the dag after too many failed runs in a row', async () => {
    const its = await open({ maxConsecutiveFailedDagRuns: 2, tasks: [task('a')] });
    const paused = async () => (await its.rows<{ p: number }>('select is_paused as p from dag'))[0]?.p;
    for (const [outcome, expected] of [
      [FAILURE, 0],
      [undefined, 0],
      [FAILURE, 0],
      [FAILURE, 1],
    ] as const) {
      await its.clock.advance(10);
      await its.trigger('orders');
      await its.end('a', outcome);
      expect(await paused()).toBe(expected);
    }
  });
});

describe('slots', () => {
  test('a pool lets in what fits, and holds up nobody else', async () => {
    const its = await open({ tasks: [task('a', { pool: 'small' }), task('b', { pool: 'small' }), task('c')] });
    await its.rows(`insert into pool (name, slots, description, include_deferred) values ('small', 1, '', 0)`);
    await its.clock.advance(3_000);
    await its.trigger('orders');
    expect(its.dispatched()).toEqual(['a', 'c']);
    await its.end('a');
    expect(its.dispatched()).toEqual(['c', 'b']);
  });

  test('what is deferred keeps its slot where the pool says so, and goes on with it', async () => {
    const its = await open({ tasks: [task('wait', { pool: 'small' }), after('b', [])] });
    await its.rows(`insert into pool (name, slots, description, include_deferred) values ('small', 1, '', 1)`);
    await its.clock.advance(3_000);
    await its.trigger('orders');
    await its.end('b');
    await its.end('wait', { result: 'deferred', deferral: { trigger: { kind: 'timer', at: its.clock.now() + 1_000 }, stateJson: 'null' } });
    expect(await its.rows('select state, occupied_pool as pool from task_instance where keeps_slot = 1')).toEqual([
      { state: 'deferred', pool: 'small' },
    ]);
    await its.clock.advance(1_000);
    expect(its.dispatched()).toEqual(['wait']);
  });

  test('a task instance that wants more slots than its pool has never runs, and one of an unknown pool waits for it', async () => {
    const its = await start({ tasks: [task('wide', { poolSlots: 200 }), task('lost', { pool: 'nowhere' }), task('c')] });
    expect(its.dispatched()).toEqual(['c']);
    await its.rows(`insert into pool (name, slots, description, include_deferred) values ('nowhere', 1, '', 0)`);
    await its.clock.advance(3_000);
    expect(its.dispatched()).toEqual(['c', 'lost']);
  });

  test('the highest priority comes first; by default that is what most waits for', async () => {
    const its = await start(
      { tasks: [task('leaf'), task('root'), after('below', ['root']), task('urgent', { priorityWeight: 10, weightRule: 'absolute' })] },
      1,
    );
    const order: string[] = [];
    for (let left = 4; left > 0; left -= 1) {
      const [next = ''] = its.dispatched();
      order.push(next);
      await its.end(next);
    }
    expect(order).toEqual(['urgent', 'root', 'leaf', 'below']);
  });

  test('max_active_tis_per_dagrun holds inside one run, max_active_tis_per_dag over all', async () => {
    const each = { upstream: ['list'], expand: { kind: 'sets', source: xcom('list') } } as const;
    const its = await open({
      tasks: [task('list'), task('one', { ...each, maxActiveTisPerDagrun: 1 }), task('two', { ...each, maxActiveTisPerDag: 1 })],
    });
    await its.trigger('orders');
    await its.trigger('orders');
    await its.succeed('list', [{}, {}]);
    await its.succeed('list', [{}, {}]);
    expect(its.dispatched().toSorted()).toEqual(['one', 'one', 'two']);
    await its.end('two');
    await its.end('one');
    expect(its.dispatched().toSorted()).toEqual(['one', 'one', 'two']);
  });
});

describe('a try that goes on later', () => {
  test('is called again at the time that it asked for, without another try', async () => {
    const its = await start({ tasks: [task('wait')] });
    await its.end('wait', { result: 'rescheduled', at: its.clock.now() + 5_000 });
    expect(await states(its)).toEqual({ wait: 'up_for_reschedule' });
    await its.clock.advance(4_999);
    expect(its.dispatched()).toEqual([]);
    await its.clock.advance(1);
    expect(its.workload('wait').context).toMatchObject({ tryNumber: 1, rescheduleCount: 1 });
  });

  test('finds what it kept when the moment that it was deferred for has come', async () => {
    const its = await start({ tasks: [task('wait')] });
    const at = its.clock.now() + 5_000;
    await its.end('wait', { result: 'deferred', deferral: { trigger: { kind: 'timer', at }, stateJson: '{"job":7}' } });
    expect(await states(its)).toEqual({ wait: 'deferred' });
    await its.crash();
    await its.clock.advance(5_000);
    expect(its.workload('wait')).toMatchObject({
      context: { tryNumber: 1 },
      resumption: { stateJson: '{"job":7}', event: { ok: true, json: JSON.stringify({ at: new Date(at).toISOString() }) } },
    });
    await its.end('wait');
    expect(await runState(its)).toBe('success');
  });

  test('waits for its next try as long as it was told to, also where what it was deferred for happens meanwhile', async () => {
    const its = await start({ tasks: [task('wait', { retries: 1, retryDelayMs: 10_000 })] });
    const now = its.clock.now();
    const deferral = { trigger: { kind: 'timer', at: now + 2_000 }, stateJson: 'null', timeoutAt: now + 1_000 } as const;
    await its.end('wait', { result: 'deferred', deferral });
    await its.clock.advance(10_999);
    expect(its.dispatched()).toEqual([]);
    await its.clock.advance(1);
    expect(its.workload('wait').context.tryNumber).toBe(2);
  });

  test('fails where it has waited for too long', async () => {
    const its = await start({ tasks: [task('wait', { retries: 1, retryDelayMs: 0 })] });
    const deferral = {
      trigger: { kind: 'code', name: 'never', argsJson: 'null' },
      stateJson: 'null',
      timeoutAt: its.clock.now() + 1_000,
    } as const;
    await its.end('wait', { result: 'deferred', deferral });
    await its.clock.advance(1_000);
    expect(its.workload('wait').context.tryNumber).toBe(2);
    const [row] = await its.rows<{ failure: string }>('select failure from task_instance_history');
    expect(JSON.parse(row?.failure ?? '')).toMatchObject({ kind: 'timeout' });
  });
});

describe('a change by somebody else', () => {
  test('stops what runs of a cleared task instance, and runs it anew when that has ended', async () => {
    const its = await start({ tasks: [task('a')] });
    const { attempt } = its.workload('a');
    its.scheduler.report({ type: 'started', attempt, at: its.clock.now(), pid: 1, hostname: 'host' });
    await its.clock.advance(20);
    await its.rows(`update task_instance set state = 'restarting'`);
    await its.rows('update dag_run set revision = revision + 1');
    its.scheduler.wake('runs');
    await its.clock.advance(0);
    expect(its.cancelled()).toEqual(['a']);
    await its.end('a', FAILURE);
    expect(its.workload('a').attempt.epoch).toBeGreaterThan(attempt.epoch);
    expect(its.workload('a').context.tryNumber).toBe(2);
  });

  test('ends the run where what was cleared is not run again', async () => {
    const its = await start({ tasks: [task('a'), after('b', ['a'])] });
    await its.end('a');
    const { attempt } = its.workload('b');
    its.scheduler.report({ type: 'started', attempt, at: its.clock.now(), pid: 1, hostname: 'host' });
    await its.clock.advance(20);
    await its.rows(`update task_instance set state = 'restarting' where task_id = 'b'`);
    await its.rows(`update task_instance set state = 'skipped', epoch = epoch + 1 where task_id = 'a'`);
    await its.rows('update dag_run set revision = revision + 1');
    its.scheduler.wake('runs');
    await its.clock.advance(0);
    await its.end('b');
    expect(await states(its)).toEqual({ a: 'skipped', b: 'skipped' });
    expect(await runState(its)).toBe('success');
  });

  test('is noticed where a worker reports to the database just before its attempt is taken back', async () => {
    const its = await start({ tasks: [task('a'), after('b', ['a'])] });
    await its.rows(`create temp trigger stray_report after update of held_by_tick on dag_run begin
      update task_instance set state = 'success', try_number = 1 where task_id = 'a' and state = 'queued';
    end`);
    await its.crash();
    expect(await states(its)).toEqual({ a: 'success', b: 'queued' });
    await its.end('b');
    expect(await runState(its)).toBe('success');
  });

  test('stops what runs of a task instance that was marked', async () => {
    const its = await start({ tasks: [task('a'), after('b', ['a'])] });
    await its.rows(`update task_instance set state = 'success', epoch = epoch + 1 where task_id = 'a'`);
    await its.rows('update dag_run set revision = revision + 1');
    its.scheduler.wake('runs');
    await its.clock.advance(0);
    expect(its.cancelled()).toEqual(['a']);
    expect(its.dispatched()).toEqual(['a', 'b']);
  });
});

describe('an outlet that another dag described otherwise before', () => {
  test('keeps its task from starting, with the reason', async () => {
    const of = (dagId: string, uri: string) =>
      serializedDag({ dagId, tasks: [task('write', { outlets: ['orders'] })], assets: [serializedAsset('orders', { uri })] });
    const its = (world = await createSchedulerWorld([of('first', 's3://one'), of('second', 's3://two')]));
    await its.trigger('first');
    await its.trigger('second');
    expect(its.dispatched()).toEqual(['write']);
    const [row] = await its.rows<{ failure: string }>(`select failure from task_instance where dag_id = 'second' and state = 'failed'`);
    expect(row?.failure).toContain('give both the same uri, or rename one');
  });
});
