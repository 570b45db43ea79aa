import type { Deferral, SerializedDag, SerializedTask, TriggerEvent } from '@tradewind/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { claimTriggers } from '../store/transitions/claim-triggers.ts';
import { fireTriggers } from '../store/transitions/fire-triggers.ts';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, type SchedulerWorld } from './testing/scheduler-world.ts';

/** The term of the triggerer that these tests play. */
const TERM = 99;
const EVENT: TriggerEvent = { ok: true, json: '{"rows":3}' };

let world: SchedulerWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const task = (taskId: string, changes: Partial<SerializedTask> = {}): SerializedTask =>
  serializedTask(taskId, { operator: 'function', ...changes });
const open = async (...dags: readonly Partial<SerializedDag>[]): Promise<SchedulerWorld> =>
  (world = await createSchedulerWorld(dags.map((dag) => serializedDag({ tasks: [task('wait')], ...dag }))));
const onCode = (more: Partial<Deferral> = {}): { result: 'deferred'; deferral: Deferral } => ({
  result: 'deferred',
  deferral: { trigger: { kind: 'code', name: 'batch_job', argsJson: '{"id":7}' }, stateJson: '{"kept":1}', ...more },
});
const onRun = (runId: string): { result: 'deferred'; deferral: Deferral } => ({
  result: 'deferred',
  deferral: { trigger: { kind: 'dag_run', dagId: 'other', runId }, stateJson: 'null' },
});
const claim = (its: SchedulerWorld) => its.database.batch([claimTriggers(TERM, 100)]);
/** Fires everything that the played triggerer has claimed. */
async function fire(its: SchedulerWorld, event: TriggerEvent = EVENT): Promise<void> {
  const claimed = await its.rows<{ taskInstanceId: string; epoch: number }>(
    `select task_instance_id as "taskInstanceId", epoch from trigger where state = 'waiting'`,
  );
  await its.database.batch([
    fireTriggers(
      TERM,
      its.clock.now(),
      claimed.map((one) => ({ ...one, event })),
    ),
  ]);
  its.scheduler.wake('runs');
  await its.clock.advance(0);
}
const stateOf = async (its: SchedulerWorld, taskId = 'wait'): Promise<string | undefined> =>
  (await its.rows<{ state: string }>(`select state from task_instance where task_id = '${taskId}' order by dag_run_id desc limit 1`))[0]
    ?.state;

describe('a task that was deferred on code', () => {
  test('has its trigger in the table before anybody can look, and goes on with the event', async () => {
    const its = await open({});
    await its.trigger('orders');
    await its.end('wait', onCode());
    const [[claimed]] = await claim(its);
    expect(claimed).toMatchObject({
      dagId: 'orders',
      runId: 'run-1',
      taskId: 'wait',
      name: 'batch_job',
      args: '{"id":7}',
      file: 'orders.ts',
    });
    expect(its.dispatched()).toEqual([]);
    await fire(its);
    expect(its.workload('wait')).toMatchObject({
      context: { tryNumber: 1 },
      resumption: { stateJson: '{"kept":1}', event: EVENT },
    });
    await its.end('wait');
    expect(await stateOf(its)).toBe('success');
  });

  test('is told when its trigger failed', async () => {
    const its = await open({});
    await its.trigger('orders');
    await its.end('wait', onCode());
    await claim(its);
    await fire(its, { ok: false, message: 'no such job' });
    expect(its.workload('wait').resumption).toEqual({ stateJson: '{"kept":1}', event: { ok: false, message: 'no such job' } });
  });

  test('may be deferred again, and waits for the new trigger alone', async () => {
    const its = await open({});
    await its.trigger('orders');
    await its.end('wait', onCode());
    await claim(its);
    await fire(its);
    await its.end('wait', onCode());
    expect(await stateOf(its)).toBe('deferred');
    expect((await claim(its))[0]).toHaveLength(1);
    await fire(its);
    expect(its.dispatched()).toEqual(['wait']);
  });

  test('goes on when the scheduler died between the event and the hearing of it', async () => {
    const its = await open({});
    await its.trigger('orders');
    await its.end('wait', onCode());
    await claim(its);
    await its.rows(`update trigger set state = 'fired', event = '${JSON.stringify(EVENT)}', fired_at = 1`);
    await its.crash();
    await its.clock.advance(3_000);
    expect(its.workload('wait').resumption).toMatchObject({ event: EVENT });
  });

  test('that timed out is not woken by an event that comes after', async () => {
    const its = await open({ tasks: [task('wait', { retries: 1 })] });
    await its.trigger('orders');
    await its.end('wait', onCode({ timeoutAt: its.clock.now() + 1_000 }));
    await claim(its);
    await its.clock.advance(1_000);
    expect(await stateOf(its)).toBe('up_for_retry');
    await fire(its);
    expect([await stateOf(its), its.dispatched()]).toEqual(['up_for_retry', []]);
  });

  test('goes on portion by portion where very many have fired', async () => {
    const count = 450;
    const tasks = Array.from({ length: count }, (_, index) => task(`wait_${index}`));
    const its = (world = await createSchedulerWorld([serializedDag({ tasks, maxActiveTasks: 1_000 })], 1_000));
    await its.rows('update pool set slots = -1');
    its.scheduler.wake('dags');
    await its.trigger('orders');
    await its.clock.advance(100);
    for (const taskId of its.dispatched()) await its.end(taskId, onCode());
    for (let round = 0; round < 5; round += 1) await claim(its);
    await fire(its);
    await its.clock.advance(100);
    expect(its.dispatched()).toHaveLength(count);
  });
});

describe('a task that starts from its trigger', () => {
  const start = { trigger: { kind: 'code', name: 'batch_job', argsJson: '{"id":7}' }, stateJson: '"kept"', timeoutMs: 60_000 } as const;

  test('waits without a worker, and enters its code when the trigger has fired', async () => {
    const its = await open({ tasks: [task('wait', { startFromTrigger: start })] });
    await its.trigger('orders');
    expect([await stateOf(its), its.dispatched()]).toEqual(['deferred', []]);
    expect((await claim(its))[0]).toMatchObject([{ name: 'batch_job', tryNumber: 1 }]);
    await fire(its);
    expect(its.workload('wait')).toMatchObject({ context: { tryNumber: 1 }, resumption: { stateJson: '"kept"', event: EVENT } });
    await its.end('wait');
    expect(await stateOf(its)).toBe('success');
  });

  test('waits again when it is tried again, also after its time ran out', async () => {
    const its = await open({ tasks: [task('wait', { startFromTrigger: start, retries: 2, retryDelayMs: 1_000 })] });
    await its.trigger('orders');
    await its.clock.advance(60_000);
    expect(await stateOf(its)).toBe('up_for_retry');
    await its.clock.advance(1_000);
    expect([await stateOf(its), (await claim(its))[0]]).toMatchObject(['deferred', [{ tryNumber: 2 }]]);
    await fire(its);
    await its.end('wait', FAILURE);
    await its.clock.advance(1_000);
    expect([await stateOf(its), its.dispatched()]).toEqual(['deferred', []]);
  });

  test('counts a timer from the moment at which it could have started, and over a crash', async () => {
    const its = await open({
      tasks: [task('wait', { startFromTrigger: { trigger: { kind: 'timer', afterMs: 10_000 }, stateJson: 'null' } })],
    });
    await its.trigger('orders');
    await its.clock.advance(5_000);
    await its.crash();
    await its.clock.advance(4_999);
    expect(its.dispatched()).toEqual([]);
    await its.clock.advance(1);
    expect(its.dispatched()).toEqual(['wait']);
  });
});

describe('a task that waits for a run', () => {
  const other = { dagId: 'other', tasks: [task('work')] };

  test.each([
    ['success', undefined],
    ['failed', FAILURE],
  ] as const)('goes on when that has ended in %s', async (state, outcome) => {
    const its = await open({}, other);
    await its.trigger('other');
    await its.trigger('orders');
    await its.end('wait', onRun('run-1'));
    await its.clock.advance(10_000);
    expect(its.dispatched()).toEqual(['work']);
    await its.end('work', outcome);
    await its.clock.advance(0);
    const { event } = its.workload('wait').resumption ?? {};
    expect(event?.ok === true && JSON.parse(event.json)).toEqual({ dagId: 'other', runId: 'run-1', state });
  });

  test('goes on at once when that has ended before', async () => {
    const its = await open({}, other);
    await its.trigger('other');
    await its.end('work');
    await its.trigger('orders');
    await its.end('wait', onRun('run-1'));
    expect(its.dispatched()).toEqual(['wait']);
  });

  test('is told that there is none', async () => {
    const its = await open({}, other);
    await its.trigger('orders');
    await its.end('wait', onRun('nowhere'));
    expect(its.workload('wait').resumption?.event).toMatchObject({
      ok: false,
      message: expect.stringContaining('no run nowhere') as string,
    });
  });
});
