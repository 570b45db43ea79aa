import type { SerializedTask } from '@tradewind/protocol';
import { afterEach, expect, test } from 'vitest';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, type SchedulerWorld } from './testing/scheduler-world.ts';

let world: SchedulerWorld | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** A run whose task has left a value while it runs for the first time. */
async function leaveValue(changes: Partial<SerializedTask> = {}): Promise<SchedulerWorld> {
  const its = (world = await createSchedulerWorld([serializedDag({ tasks: [serializedTask('a', { operator: 'function', ...changes })] })]));
  await its.trigger('orders');
  await its.rows(
    `insert into xcom (dag_run_id, task_id, map_index, key, value, created_at, try_number) select id, 'a', -1, 'rows', '1', 0, 1 from dag_run`,
  );
  return its;
}

const left = (its: SchedulerWorld) => its.rows('select key from xcom');

test('a retry begins without what the try before it left, and keeps it until then', async () => {
  const its = await leaveValue({ retries: 1, retryDelayMs: 60_000 });
  await its.end('a', FAILURE);
  expect(await left(its)).toEqual([{ key: 'rows' }]);
  await its.clock.advance(61_000);
  expect(its.workload('a').context).toMatchObject({ tryNumber: 2 });
  expect(await left(its)).toEqual([]);
});

test.each([
  ['rescheduled', { result: 'rescheduled', at: 5_000 }],
  ['deferred', { result: 'deferred', deferral: { trigger: { kind: 'timer', at: 5_000 }, stateJson: 'null' } }],
] as const)('a try that was %s goes on with what it left', async (_what, outcome) => {
  const its = await leaveValue();
  await its.end('a', outcome);
  await its.clock.advance(10_000);
  expect(its.workload('a').context).toMatchObject({ tryNumber: 1 });
  expect(await left(its)).toEqual([{ key: 'rows' }]);
});
