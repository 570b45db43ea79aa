import type { SerializedTask } from '@tradewind/protocol';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createMemoryValues, type MemoryValues } from '../platform/testing/memory-values.ts';
import { LargeValues } from '../platform/value-store.ts';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, type SchedulerWorld } from './testing/scheduler-world.ts';

const OFFLOAD_BYTES = 50;
/** Longer than what memory keeps of a value, too. */
const LARGE = 'x'.repeat(20_000);

let world: SchedulerWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const task = (taskId: string, changes: Partial<SerializedTask> = {}): SerializedTask =>
  serializedTask(taskId, { operator: 'function', ...changes });
const rows = { rows: { kind: 'xcom', taskId: 'extract' } } as const;
const load = task('load', { upstream: ['extract'], inputs: rows });
const each = task('each', {
  upstream: ['extract'],
  expand: { kind: 'product', over: [{ name: 'row', source: { kind: 'xcom', taskId: 'extract' } }] },
});

async function start(...tasks: readonly SerializedTask[]): Promise<{ its: SchedulerWorld; store: MemoryValues }> {
  const store = createMemoryValues();
  const largeValues = new LargeValues({ store, offloadBytes: OFFLOAD_BYTES, log: silentLog });
  const its = (world = await createSchedulerWorld([serializedDag({ tasks: [task('extract'), ...tasks] })], 32, { largeValues }));
  await its.trigger('orders');
  return { its, store };
}

const stored = (its: SchedulerWorld) => its.rows<{ value: string; offloaded: string | null }>('select value, offloaded from xcom');
const failures = (its: SchedulerWorld) =>
  its.rows<{ task: string; state: string; failure: string }>(
    `select task_id as task, state, failure from task_instance where failure is not null order by task_id`,
  );

test('a large value lies in the store, its row refers to it, and the task below is given it', async () => {
  const { its, store } = await start(load);
  await its.succeed('extract', LARGE);
  const [row] = await stored(its);
  expect(row?.value).toBe('null');
  expect(JSON.parse(row?.offloaded ?? '')).toMatchObject({ store: 'memory', bytes: LARGE.length + 2 });
  expect([...store.texts.values()]).toEqual([JSON.stringify(LARGE)]);
  expect(its.workload('load').inputsJson).toEqual({ rows: JSON.stringify(LARGE) });
});

test('a small value lies in its row', async () => {
  const { its, store } = await start(load);
  await its.succeed('extract', 'small');
  expect(await stored(its)).toEqual([{ value: '"small"', offloaded: null }]);
  expect(store.texts.size).toBe(0);
});

test('a value that the store does not take lies in its row, and the task has succeeded', async () => {
  const { its, store } = await start(load);
  store.breakDown();
  await its.succeed('extract', LARGE);
  expect(await stored(its)).toEqual([{ value: JSON.stringify(LARGE), offloaded: null }]);
  expect(its.workload('load').inputsJson).toEqual({ rows: JSON.stringify(LARGE) });
});

test('a large value is found again after a crash', async () => {
  const { its } = await start(load);
  await its.succeed('extract', LARGE);
  await its.crash();
  expect(its.workload('load').inputsJson).toEqual({ rows: JSON.stringify(LARGE) });
});

test('a try whose input is missing from the store fails, and says of which task it is; the next one reads again', async () => {
  const { its, store } = await start(task('load', { upstream: ['extract'], inputs: rows, retries: 2, retryDelayMs: 1_000 }));
  await its.succeed('extract', LARGE);
  await its.end('load', FAILURE);
  const kept = [...store.texts];
  store.texts.clear();
  await its.clock.advance(1_000);
  expect(its.dispatched()).toEqual([]);
  const [failed] = await failures(its);
  expect(failed).toMatchObject({ task: 'load', state: 'up_for_retry' });
  expect(JSON.parse(failed?.failure ?? '{}')).toMatchObject({
    message: expect.stringMatching(/^the value of task "extract" cannot be read: .* is missing$/) as string,
  });
  for (const [key, text] of kept) store.texts.set(key, text);
  await its.clock.advance(1_000);
  expect(its.workload('load').inputsJson).toEqual({ rows: JSON.stringify(LARGE) });
});

test('a mapped task runs over a large list, also after a crash', async () => {
  const list = [LARGE, 'b', 'c'];
  const { its } = await start(each);
  await its.succeed('extract', list);
  await its.crash();
  expect(its.dispatched()).toEqual(['each', 'each', 'each']);
  await its.end('each');
  await its.end('each');
  expect(its.workload('each').inputsJson).toEqual({ row: '"c"' });
});

test('a task that is mapped over a value that is missing fails, and says of which task it is', async () => {
  const { its, store } = await start(task('gate'), { ...each, upstream: ['extract', 'gate'] });
  await its.succeed('extract', [LARGE]);
  await its.crash();
  store.texts.clear();
  await its.end('gate');
  const [failed] = await failures(its);
  expect(failed).toMatchObject({ task: 'each', state: 'failed' });
  expect(failed?.failure).toContain('the task could not be mapped: the value of task \\"extract\\" cannot be read');
});
