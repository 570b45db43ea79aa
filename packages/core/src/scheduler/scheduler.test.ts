import { afterEach, describe, expect, test } from 'vitest';
import type { SerializedDag } from '@tradewind/protocol';
import { serializedAsset, serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, SUCCESS, type SchedulerWorld } from './testing/scheduler-world.ts';

let world: SchedulerWorld | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const open = async (dags: readonly SerializedDag[], parallelism?: number): Promise<SchedulerWorld> =>
  (world = await createSchedulerWorld(dags, parallelism));
const task = (taskId: string, changes: Parameters<typeof serializedTask>[1] = {}) =>
  serializedTask(taskId, { operator: 'function', ...changes });
const states = ({ rows }: SchedulerWorld) =>
  rows<{ task: string; state: string }>(`select task_id as task, state from task_instance order by task_id`);
const runStates = async ({ rows }: SchedulerWorld) =>
  (await rows<{ state: string }>('select state from dag_run order by id')).map(({ state }) => state);

describe('a run', () => {
  test('goes through its tasks in the order of their edges and hands values on', async () => {
    const extract = task('extract');
    const load = task('load', {
      upstream: ['extract'],
      inputs: { rows: { kind: 'xcom', taskId: 'extract' }, limit: { kind: 'literal', value: 3 } },
    });
    const its = await open([serializedDag({ tasks: [extract, load] })]);
    await its.trigger('orders');
    expect(its.dispatched()).toEqual(['extract']);
    await its.succeed('extract', [1, 2]);
    expect(its.workload('load').inputsJson).toEqual({ rows: '[1,2]', limit: '3' });
    await its.end('load');
    expect(await runStates(its)).toEqual(['success']);
    expect(await its.rows('select task_id as task, value from xcom order by task_id')).toEqual([
      { task: 'extract', value: '[1,2]' },
      { task: 'load', value: 'null' },
    ]);
  });

  test('reads a value again that was too large to remember', async () => {
    const load = task('load', { upstream: ['extract'], inputs: { rows: { kind: 'xcom', taskId: 'extract' } } });
    const its = await open([serializedDag({ tasks: [task('extract'), load] })]);
    const large = 'x'.repeat(100_000);
    await its.trigger('orders');
    await its.succeed('extract', large);
    expect(its.workload('load').inputsJson).toEqual({ rows: JSON.stringify(large) });
  });

  test('gets its params from its conf, else from their defaults', async () => {
    const its = await open([
      serializedDag({ tasks: [task('only')], params: { region: { type: 'string', default: 'eu' }, limit: { default: 5 } } }),
    ]);
    await its.trigger('orders', { region: 'us', more: 1 });
    expect(its.workload('only').context.params).toEqual({ region: 'us', limit: 5 });
  });

  test('fails where a leaf failed, and what waited for it could not run', async () => {
    const its = await open([
      serializedDag({ tasks: [task('a'), task('b', { upstream: ['a'] }), task('c', { upstream: ['b'], triggerRule: 'all_done' })] }),
    ]);
    await its.trigger('orders');
    await its.end('a', FAILURE);
    expect(await states(its)).toEqual([
      { task: 'a', state: 'failed' },
      { task: 'b', state: 'upstream_failed' },
      { task: 'c', state: 'queued' },
    ]);
    await its.end('c');
    expect(await runStates(its)).toEqual(['success']);
  });

  test('never starts a process for a task that does nothing', async () => {
    const its = await open([serializedDag({ tasks: [serializedTask('start'), serializedTask('end', { upstream: ['start'] })] })]);
    await its.trigger('orders');
    expect(await runStates(its)).toEqual(['success']);
    expect(its.activities.filter(({ type }) => type === 'task_instance')).toHaveLength(2);
  });

  test('without tasks succeeds', async () => {
    const its = await open([serializedDag()]);
    await its.trigger('orders');
    expect(await runStates(its)).toEqual(['success']);
  });

  test('10,000 tasks deep skips to its end without exhausting the stack', async () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => task(`t${index}`, { upstream: index === 0 ? [] : [`t${index - 1}`] }));
    const its = await open([serializedDag({ tasks })]);
    await its.trigger('orders');
    await its.end('t0', { result: 'skipped', reason: 'nothing to do' });
    expect(await its.rows(`select state, count(*) as n from task_instance group by state`)).toEqual([{ state: 'skipped', n: 10_000 }]);
    expect(await runStates(its)).toEqual(['success']);
  });
});

describe('a retry', () => {
  test('comes when its delay has passed, and not before', async () => {
    const its = await open([serializedDag({ tasks: [task('a', { retries: 1, retryDelayMs: 60_000 })] })]);
    await its.trigger('orders');
    await its.end('a', FAILURE);
    await its.clock.advance(59_000);
    expect(its.dispatched()).toEqual([]);
    await its.clock.advance(2_000);
    expect(its.workload('a').context).toMatchObject({ tryNumber: 2, maxTries: 2 });
    await its.end('a', FAILURE);
    expect(await runStates(its)).toEqual(['failed']);
    expect(await its.rows('select try_number as try, state from task_instance_history')).toEqual([{ try: 1, state: 'up_for_retry' }]);
    expect(await its.rows('select try_number as try, state from task_instance')).toEqual([{ try: 2, state: 'failed' }]);
  });

  test('is remembered over a crash', async () => {
    const its = await open([serializedDag({ tasks: [task('a', { retries: 1, retryDelayMs: 60_000 })] })]);
    await its.trigger('orders');
    await its.end('a', FAILURE);
    await its.crash();
    expect(its.dispatched()).toEqual([]);
    await its.clock.advance(61_000);
    expect(its.dispatched()).toEqual(['a']);
  });
});

describe('limits', () => {
  const five = (changes: Partial<SerializedDag>) => serializedDag({ tasks: ['a', 'b', 'c', 'd', 'e'].map((id) => task(id)), ...changes });

  test('max_active_tasks holds for each run', async () => {
    const its = await open([five({ maxActiveTasks: 2 })]);
    await its.trigger('orders');
    expect(its.dispatched()).toEqual(['a', 'b']);
    await its.end('a');
    expect(its.dispatched()).toEqual(['b', 'c']);
  });

  test('parallelism holds for all runs together, which get slots in turn', async () => {
    const its = await open([five({ dagId: 'wide' }), five({ dagId: 'other' })], 3);
    await its.trigger('wide');
    await its.trigger('other');
    expect(its.dispatched()).toEqual(['a', 'b', 'c']);
    await its.end('a');
    await its.end('b');
    expect(its.dispatched()).toEqual(['c', 'd', 'a']);
  });

  test('max_active_runs keeps later runs waiting, in order', async () => {
    const its = await open([serializedDag({ maxActiveRuns: 1, tasks: [task('a')] })]);
    await its.trigger('orders');
    await its.trigger('orders');
    await its.trigger('orders');
    expect(await runStates(its)).toEqual(['running', 'queued', 'queued']);
    await its.end('a');
    expect(await runStates(its)).toEqual(['success', 'running', 'queued']);
  });

  test('a paused dag starts no run and queues no task until it is resumed', async () => {
    const its = await open([serializedDag({ tasks: [task('a'), task('b', { upstream: ['a'] })] })]);
    await its.trigger('orders');
    await its.rows('update dag set is_paused = 1');
    await its.end('a');
    await its.trigger('orders');
    expect(its.dispatched()).toEqual([]);
    expect(await runStates(its)).toEqual(['running', 'queued']);
    await its.rows('update dag set is_paused = 0');
    its.scheduler.wake('dags');
    await its.clock.advance(0);
    expect(its.dispatched().toSorted()).toEqual(['a', 'b']);
  });
});

describe('after a crash', () => {
  test('a try that was running is given back and runs again', async () => {
    const its = await open([serializedDag({ tasks: [task('a')] })]);
    await its.trigger('orders');
    its.scheduler.report({ type: 'started', attempt: its.workload('a').attempt, at: its.clock.now(), pid: 1, hostname: 'host' });
    await its.clock.advance(20);
    await its.crash();
    expect(its.workload('a').context.tryNumber).toBe(2);
    await its.end('a');
    expect(await its.rows('select state, try_number as try, max_tries as most, losses from task_instance')).toEqual([
      { state: 'success', try: 2, most: 2, losses: 1 },
    ]);
    expect(await runStates(its)).toEqual(['success']);
  });

  test('an attempt that had not started keeps its try', async () => {
    const its = await open([serializedDag({ tasks: [task('a')] })]);
    await its.trigger('orders');
    await its.crash();
    expect(its.workload('a').context.tryNumber).toBe(1);
  });

  test('a late report of the attempt before changes nothing', async () => {
    const its = await open([serializedDag({ tasks: [task('a')] })]);
    await its.trigger('orders');
    const { attempt } = its.workload('a');
    await its.crash();
    its.scheduler.report({ type: 'ended', attempt, at: its.clock.now(), outcome: SUCCESS });
    await its.clock.advance(0);
    expect(await states(its)).toEqual([{ task: 'a', state: 'queued' }]);
  });
});

describe('a schedule', () => {
  const hourly = { schedule: { kind: 'cron', expression: '@hourly', timezone: 'UTC' }, tasks: [task('a')] } as const;

  test('makes one run for each hour, at the hour, beginning with the one that has just struck', async () => {
    const its = await open([serializedDag(hourly)]);
    await its.clock.advance(3_600_000 * 2 + 1_000);
    expect(await its.rows('select run_id as id, run_type as type from dag_run order by run_after_at')).toEqual([
      { id: 'scheduled__2026-03-01T00:00:00+00:00', type: 'scheduled' },
      { id: 'scheduled__2026-03-01T01:00:00+00:00', type: 'scheduled' },
      { id: 'scheduled__2026-03-01T02:00:00+00:00', type: 'scheduled' },
    ]);
  });

  test('waits while max_active_runs are unfinished, and goes on with the next hour', async () => {
    const its = await open([serializedDag({ ...hourly, maxActiveRuns: 1 })]);
    await its.clock.advance(3_600_000 * 3 + 1_000);
    expect(await its.rows('select count(*) as n from dag_run')).toEqual([{ n: 1 }]);
    await its.end('a');
    await its.clock.advance(2_000);
    expect(await its.rows('select count(*) as n from dag_run')).toEqual([{ n: 2 }]);
  });
});

describe('an emitted event', () => {
  const asset = serializedAsset('customers', { eventType: 'customers.completed', publish: { transport: 'sns', topic: 'customers' } });
  const producer = serializedDag({ dagId: 'producer', tasks: [task('publish', { outlets: ['customers'], retries: 1 })], assets: [asset] });

  test('is recorded and put into the outbox with the success of its task', async () => {
    const its = await open([producer]);
    await its.trigger('producer');
    await its.succeed('publish', 1, [{ assetName: 'customers', extra: { total: 3 } }]);
    const [row] = await its.rows<{ envelope: string }>('select envelope from outbox');
    expect(JSON.parse(row?.envelope ?? '')).toMatchObject({
      specversion: '1.0',
      source: '/tradewind/test/producer',
      type: 'customers.completed',
      subject: 'run-1',
      data: { total: 3 },
    });
    expect(await its.rows('select source_task_id as task, extra from asset_event')).toEqual([{ task: 'publish', extra: '{"total":3}' }]);
  });

  test('starts the dags of this environment that are scheduled on the asset', async () => {
    const consumer = serializedDag({
      dagId: 'consumer',
      schedule: { kind: 'asset', any: ['customers'] },
      params: { total: { type: 'integer' } },
      tasks: [task('use')],
      assets: [asset],
    });
    const its = await open([producer, consumer]);
    await its.trigger('producer');
    await its.succeed('publish', 1, [{ assetName: 'customers', extra: { total: 3, other: true } }]);
    const { context } = its.workload('use');
    expect(context.params).toEqual({ total: 3 });
    expect(context.triggeringEvents).toMatchObject([{ assetName: 'customers', extra: { total: 3, other: true } }]);
  });
});
