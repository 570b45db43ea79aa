import type { CallbackContext, SerializedDag, SerializedDeadline } from '@tradewind/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, type SchedulerWorld } from './testing/scheduler-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: SchedulerWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const deadline = (reference: SerializedDeadline['reference'], intervalMs = 10 * SECOND): SerializedDeadline => ({
  name: 'in_time',
  reference,
  intervalMs,
});
const QUEUED = deadline({ kind: 'dag_run_queued_at' });
const LOGICAL = deadline({ kind: 'dag_run_logical_date' });
const open = async (deadlines: readonly SerializedDeadline[], dag: Partial<SerializedDag> = {}): Promise<SchedulerWorld> =>
  (world = await createSchedulerWorld([
    serializedDag({ tasks: [serializedTask('a', { operator: 'function' })], ...(deadlines.length === 0 ? {} : { deadlines }), ...dag }),
  ]));

interface Missed {
  readonly runId: string | null;
  readonly context: CallbackContext;
}

/** The callbacks that missed deadlines have asked for. */
async function missed(its: SchedulerWorld): Promise<readonly Missed[]> {
  const rows = await its.rows<{ runId: string | null; context: string }>(
    `select run_id as "runId", context from callback_request where scope = 'deadline' order by created_at, id`,
  );
  return rows.map((row) => ({ ...row, context: JSON.parse(row.context) as CallbackContext }));
}
const waiting = (its: SchedulerWorld) => its.rows<{ dueAt: number }>(`select due_at as "dueAt" from deadline where missed_at is null`);

describe('a deadline of a run', () => {
  test('is missed at its moment, once, and does not stop the run', async () => {
    const its = await open([QUEUED]);
    await its.trigger('orders');
    const queuedAt = its.clock.now();
    await its.clock.advance(10 * SECOND - 1);
    expect(await missed(its)).toEqual([]);
    await its.clock.advance(1);
    const dueAt = new Date(queuedAt + 10 * SECOND).toISOString();
    const [{ context } = { context: undefined }] = await missed(its);
    expect(context).toMatchObject({
      dagId: 'orders',
      runId: 'run-1',
      subject: { of: 'deadline', name: 'in_time', dueAt, runExists: true },
    });
    await its.clock.advance(MINUTE);
    expect([(await missed(its)).length, its.dispatched()]).toEqual([1, ['a']]);
  });

  test('is met by a run that succeeds in time', async () => {
    const its = await open([QUEUED]);
    await its.trigger('orders');
    await its.end('a');
    expect(await waiting(its)).toEqual([]);
    await its.clock.advance(MINUTE);
    expect(await missed(its)).toEqual([]);
  });

  test('is missed by a run that has failed in time', async () => {
    const its = await open([QUEUED]);
    await its.trigger('orders');
    await its.end('a', FAILURE);
    await its.clock.advance(MINUTE);
    expect(await missed(its)).toHaveLength(1);
  });

  test('is missed by a run that waits in the queue, also of a paused dag', async () => {
    const its = await open([QUEUED]);
    await its.rows(`update dag set is_paused = 1`);
    await its.trigger('orders');
    await its.clock.advance(MINUTE);
    expect([(await missed(its)).length, its.dispatched()]).toEqual([1, []]);
  });

  test('counts from a fixed moment, and may lie before its reference', async () => {
    const its = await open([deadline({ kind: 'fixed_datetime', at: '2026-03-01T00:01:00Z' }, -30 * SECOND)]);
    await its.trigger('orders');
    expect(await waiting(its)).toEqual([{ dueAt: Date.parse('2026-03-01T00:00:30Z') }]);
  });

  test('counts from the logical date, and is none for a run without one', async () => {
    const its = await open([LOGICAL]);
    await its.trigger('orders');
    expect(await waiting(its)).toEqual([]);
    await its.trigger('orders', {}, its.clock.now());
    expect(await waiting(its)).toEqual([{ dueAt: its.clock.now() + 10 * SECOND }]);
  });

  test('follows how long the last runs took, once there are enough of them', async () => {
    const its = await open([deadline({ kind: 'average_runtime', maxRuns: 2, minRuns: 2 })]);
    for (const seconds of [50, 4, 6]) {
      await its.trigger('orders');
      await its.clock.advance(seconds * SECOND);
      await its.end('a');
    }
    await its.rows('delete from deadline');
    await its.trigger('orders');
    expect(await waiting(its)).toEqual([{ dueAt: its.clock.now() + 15 * SECOND }]);
  });

  test('is counted anew when the run is cleared', async () => {
    const its = await open([QUEUED, { ...LOGICAL, name: 'by_date' }]);
    await its.trigger('orders', {}, its.clock.now());
    await its.end('a', FAILURE);
    await its.clock.advance(MINUTE);
    expect(await missed(its)).toHaveLength(2);
    await its.rows(
      `update dag_run set state = 'queued', clear_number = 1, revision = revision + 1, ended_at = null, queued_at = ${its.clock.now()}`,
    );
    await its.rows(`update task_instance set state = 'none', epoch = epoch + 1`);
    its.scheduler.wake('runs');
    await its.clock.advance(0);
    expect(await waiting(its)).toEqual([{ dueAt: its.clock.now() + 10 * SECOND }]);
    await its.clock.advance(MINUTE);
    expect(await missed(its)).toHaveLength(3);
  });

  test('is missed after a crash', async () => {
    const its = await open([QUEUED]);
    await its.trigger('orders');
    await its.crash();
    await its.clock.advance(MINUTE);
    expect(await missed(its)).toHaveLength(1);
  });
});

describe('a deadline of a run that should exist', () => {
  const MINUTELY = {
    schedule: { kind: 'cron', expression: '* * * * *', timezone: 'UTC' },
    startDate: '2026-03-01T00:00:00Z',
    maxActiveRuns: 1,
  } as const;

  test('is missed where the run is never created', async () => {
    const its = await open([LOGICAL], MINUTELY);
    // The run of midnight goes on, so that of a minute past is not made.
    await its.clock.advance(MINUTE + 10 * SECOND);
    const late = (await missed(its)).filter(({ runId }) => runId === null);
    expect(late.map(({ context }) => context)).toMatchObject([
      {
        runId: 'scheduled__2026-03-01T00:01:00+00:00',
        logicalDate: '2026-03-01T00:01:00.000Z',
        subject: { of: 'deadline', name: 'in_time', runExists: false },
      },
    ]);
  });

  test('is not told of again when the run is created after all', async () => {
    const its = await open([LOGICAL], MINUTELY);
    await its.clock.advance(MINUTE + 20 * SECOND);
    await its.end('a');
    await its.clock.advance(5 * SECOND);
    const ofOne = await its.rows<{ runs: string | null }>(
      `select dag_run_id as runs from deadline where logical_at = ${Date.parse('2026-03-01T00:01:00Z')}`,
    );
    expect([ofOne.length, ofOne[0]?.runs === null]).toEqual([1, false]);
    expect((await missed(its)).filter(({ context }) => context.logicalDate === '2026-03-01T00:01:00.000Z')).toHaveLength(1);
  });

  test('is not missed where the dag is paused', async () => {
    const its = await open([LOGICAL], MINUTELY);
    await its.end('a');
    await its.rows(`update dag set is_paused = 1`);
    await its.clock.advance(5 * MINUTE);
    expect(await missed(its)).toEqual([]);
  });
});

test('no table of deadlines is looked at where no dag has any', async () => {
  const its = await open([]);
  let looks = 0;
  const { batch } = its.database;
  const counted: typeof batch = (statements) => {
    looks += statements.filter(({ name }) => /deadline/.test(name) && name !== 'are_deadlines_used').length;
    return batch(statements);
  };
  Object.assign(its.database, { batch: counted });
  await its.trigger('orders');
  await its.end('a');
  expect(looks).toBe(0);
});
