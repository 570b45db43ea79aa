import { MAX_EVENTS_PER_TRY, MAX_FAILURE_DETAIL_LENGTH, type TryContext } from '@tradewind/protocol';
import { attemptReportSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { asset } from '../authoring/asset.ts';
import type { TaskContext, TaskLog } from '../authoring/task-context.ts';
import { FailTask, SkipTask } from '../errors.ts';
import { runHandler } from './run-handler.ts';
import { createTaskContext } from './task-context.ts';

const warehouse = asset<unknown>('warehouse');
const silent: TaskLog = { debug() {}, info() {}, warning() {}, error() {} };
const tryContext: TryContext = {
  dagId: 'orders',
  runId: 'manual__1',
  taskId: 'load',
  mapIndex: -1,
  tryNumber: 1,
  maxTries: 3,
  logicalDate: '2026-07-01T00:00:00Z',
  dataIntervalStart: '2026-06-30T00:00:00Z',
  dataIntervalEnd: '2026-07-01T00:00:00Z',
  runAfter: '2026-07-01T00:00:00Z',
  params: { region: 'eu' },
  triggeringEvents: [{ assetName: 'orders', timestamp: '2026-07-01T00:00:00.5Z', extra: { rows: 1 } }],
};
const newContext = (outlets: readonly string[] = ['warehouse'], signal = new AbortController().signal) =>
  createTaskContext(tryContext, { signal, log: silent, outlets });
const runOnce = (handler: (inputs: Readonly<Record<string, unknown>>, context: TaskContext) => unknown, inputs = {}) =>
  runHandler(handler as Parameters<typeof runHandler>[0], inputs, newContext());

/** What the function throws. */
const throwing = (value: unknown) =>
  runOnce(() => {
    throw value; // oxlint-disable-line typescript/only-throw-error -- authors throw anything
  });

describe('a value', () => {
  test.each([
    ['of a function', () => ({ rows: 1 }), '{"rows":1}'],
    ['of an async function', async () => [1, 2], '[1,2]'],
    ['that is nothing', () => undefined, 'null'],
  ])('%s is passed on as JSON text', async (_, handler, valueJson) => {
    expect(await runOnce(handler)).toEqual({ result: 'success', valueJson, events: [{ assetName: 'warehouse', extraJson: '{}' }] });
  });

  test('is made of the inputs and the context', async () => {
    const outcome = await runOnce(({ rows }, { params }) => ({ rows, region: params['region'] ?? null }), { rows: 3 });
    expect(outcome).toMatchObject({ valueJson: '{"rows":3,"region":"eu"}' });
  });

  test('that is not JSON fails the try, naming its path', async () => {
    expect(await runOnce(() => ({ rows: [{ at: new Date(0) }] }))).toEqual({
      result: 'failed',
      failure: {
        kind: 'bad_value',
        message:
          'the task’s value cannot be passed on: $.rows[0].at is an instance of Date; pass plain objects, lists, strings, numbers, booleans or null',
      },
    });
  });

  test('may be larger than what is stored in a row, up to 8 MiB', async () => {
    const results = await Promise.all([2, 8].map((mebibytes) => runOnce(() => 'x'.repeat(mebibytes * 1_048_576))));
    expect(results.map(({ result }) => result)).toEqual(['success', 'failed']);
    expect(results[1]).toMatchObject({
      failure: { kind: 'bad_value', message: expect.stringContaining('at most 8388608 are kept') as string },
    });
  });

  test('that cannot be read fails the try', async () => {
    const unreadable = {
      get rows(): number {
        throw new Error('no rows');
      },
    };
    expect(await runOnce(() => unreadable)).toMatchObject({ result: 'failed', failure: { kind: 'error', message: 'no rows' } });
  });
});

describe('skip and fail', () => {
  test.each([
    ['context.skip', (context: TaskContext) => context.skip('no file')],
    [
      'SkipTask',
      () => {
        throw new SkipTask('no file');
      },
    ],
  ])('%s skips the task with its reason', async (_, act) => {
    expect(await runOnce((inputs, context) => act(context))).toEqual({ result: 'skipped', reason: 'no file' });
  });

  test.each([
    ['context.fail', (context: TaskContext) => context.fail('gone for good')],
    [
      'FailTask',
      () => {
        throw new FailTask('gone for good');
      },
    ],
  ])('%s fails it without retry', async (_, act) => {
    const outcome = await runOnce((inputs, context) => act(context));
    expect(outcome).toMatchObject({ result: 'failed', failure: { kind: 'fail_without_retry', message: 'gone for good' } });
  });

  test('hold for errors of another copy of this package', async () => {
    const foreign = Object.assign(new Error('no file'), { [Symbol.for('tradewind.try-ending.v1')]: 'skipped' });
    expect(await throwing(foreign)).toEqual({ result: 'skipped', reason: 'no file' });
  });
});

describe('an error', () => {
  test('fails the try with its message and stack', async () => {
    const outcome = await throwing(new TypeError('rows is not a list'));
    expect(outcome).toMatchObject({
      result: 'failed',
      failure: {
        kind: 'error',
        message: 'TypeError: rows is not a list',
        detail: expect.stringMatching(/^TypeError: rows is not a list\n +at .*run-handler\.test\.ts/) as string,
      },
    });
  });

  test('is shown with its causes, and with each error that it gathers', async () => {
    const cause = new Error('connection refused', { cause: 'port 5432' });
    const outcome = await throwing(new AggregateError([new Error('first'), cause], 'two failed', { cause }));
    const detail = outcome.result === 'failed' ? outcome.failure.detail : undefined;
    expect(detail).toContain('AggregateError: two failed');
    expect(detail).toContain('caused by: Error: connection refused');
    expect(detail).toContain('one of them: Error: first');
    expect(detail).toContain("caused by: 'port 5432'");
    expect(detail?.split('connection refused')).toHaveLength(2);
  });

  test.each([
    ['text', 'stop', "what was thrown is not an Error: 'stop'"],
    ['undefined', undefined, 'what was thrown is not an Error: undefined'],
    ['an object', { code: 5 }, 'what was thrown is not an Error: { code: 5 }'],
    ['null', null, 'what was thrown is not an Error: null'],
    ['an error whose message is no text', Object.assign(new Error('x'), { message: 5 }), '5'],
    [
      'an error that cannot be read',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no');
        },
      }),
      'what was thrown cannot be read: reading it throws again',
    ],
    ['a proxy that was revoked', revokedProxy(), 'what was thrown'],
    ['NUL', new Error('a\0b'), 'a\uFFFDb'],
    ['half a character', new Error('a\uD800'), 'a\uFFFD'],
  ])('can be %s', async (_, thrown, message) => {
    const outcome = await throwing(thrown);
    expect(outcome).toMatchObject({ result: 'failed', failure: { kind: 'error', message: expect.stringContaining(message) as string } });
    expectReportable(outcome);
  });

  test('without a message is known by its name', async () => {
    expect(await throwing(new RangeError())).toMatchObject({ failure: { message: 'RangeError' } });
  });

  test('of a promise is the same', async () => {
    expect(await runOnce(() => Promise.reject(new Error('late')))).toMatchObject({ failure: { message: 'late' } });
  });

  test('that is too long is cut between characters', async () => {
    const outcome = await throwing(new Error('😀'.repeat(MAX_FAILURE_DETAIL_LENGTH)));
    expectReportable(outcome);
    const { message = '', detail = '' } = outcome.result === 'failed' ? outcome.failure : {};
    expect([message.length, detail.length]).toEqual([MAX_FAILURE_DETAIL_LENGTH, MAX_FAILURE_DETAIL_LENGTH]);
    expect(message.endsWith('…') && message.isWellFormed() && detail.isWellFormed()).toBe(true);
  });

  test('whose causes go round is described once each', async () => {
    const error = new Error('round');
    error.cause = error;
    expectReportable(await throwing(error));
  });
});

describe('emit', () => {
  test('keeps each event as JSON text, in order, for a try that succeeds', async () => {
    const outcome = await runOnce((_, context) => {
      context.emit(warehouse, { rows: 1 });
      context.emit(warehouse, undefined);
    });
    expect(outcome).toEqual({
      result: 'success',
      valueJson: 'null',
      events: [
        { assetName: 'warehouse', extraJson: '{"rows":1}' },
        { assetName: 'warehouse', extraJson: 'null' },
      ],
    });
  });

  test('loses its events with the try', async () => {
    const outcome = await runOnce((_, context) => {
      context.emit(warehouse, { rows: 1 });
      return context.skip('not today');
    });
    expect(outcome).toEqual({ result: 'skipped', reason: 'not today' });
  });

  test('takes its copy at once', async () => {
    const extra = { rows: 1 };
    const outcome = await runOnce((_, context) => {
      context.emit(warehouse, extra);
      extra.rows = 2;
    });
    expect(outcome).toMatchObject({ events: [{ extraJson: '{"rows":1}' }] });
  });

  test.each([
    [
      'an asset that is no outlet',
      'fail_without_retry',
      (context: TaskContext) => {
        context.emit(asset('other'), 1);
      },
      'asset "other" is not one of the task’s outlets (they are "warehouse"); add it to the task: outlets: [other]',
    ],
    [
      'a name',
      'fail_without_retry',
      (context: TaskContext) => {
        context.emit('warehouse' as never, 1 as never);
      },
      'emit() takes an asset, as asset() returned it',
    ],
    [
      'what is not JSON',
      'bad_value',
      (context: TaskContext) => {
        context.emit(warehouse, { at: new Date(0) });
      },
      'the event of asset "warehouse" cannot be kept: $.at is an instance of Date',
    ],
    [
      'too many events',
      'fail_without_retry',
      (context: TaskContext) => {
        for (let event = 0; event <= MAX_EVENTS_PER_TRY; event += 1) context.emit(warehouse, event);
      },
      'this is event 1001 of one try, and at most 1000 are kept',
    ],
  ])('refuses %s (%s)', async (_, kind, act, message) => {
    const outcome = await runOnce((inputs, context) => {
      act(context);
    });
    expect(outcome).toMatchObject({ result: 'failed', failure: { kind, message: expect.stringContaining(message) as string } });
  });

  test('refuses an event after the task has ended, however it ended', async () => {
    for (const handler of [() => 1, () => Promise.reject(new Error('no'))]) {
      const created = newContext();
      await runHandler(handler, {}, created);
      expect(() => {
        created.context.emit(warehouse, 1);
      }).toThrow('emit() was called after the task had ended');
    }
  });
});

describe('the context', () => {
  test('knows the run, the try and its dates', () => {
    const { context } = newContext();
    expect(context).toMatchObject({ dagId: 'orders', runId: 'manual__1', taskId: 'load', mapIndex: -1, tryNumber: 1, maxTries: 3 });
    expect(context.logicalDate?.toString()).toBe('2026-07-01T00:00:00Z');
    expect(context.dataInterval?.start.toString()).toBe('2026-06-30T00:00:00Z');
    expect(context.dataInterval?.end.toString()).toBe('2026-07-01T00:00:00Z');
    expect(context.runAfter.toString()).toBe('2026-07-01T00:00:00Z');
  });

  test('knows no dates where the run has none', () => {
    const without = { ...tryContext, logicalDate: null, dataIntervalStart: null, dataIntervalEnd: null };
    const { context } = createTaskContext(without, { signal: new AbortController().signal, log: silent, outlets: [] });
    expect([context.logicalDate, context.dataInterval]).toEqual([null, null]);
  });

  test('shows the events that started the run', () => {
    const [event] = newContext().context.events();
    expect(event).toMatchObject({ assetName: 'orders', extra: { rows: 1 } });
    expect(event?.timestamp.toString()).toBe('2026-07-01T00:00:00.5Z');
  });

  test('hands on the signal', () => {
    const { signal } = new AbortController();
    expect(newContext([], signal).context.signal).toBe(signal);
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An environment accepts the outcome. */
function expectReportable(outcome: unknown): void {
  const report = { type: 'ended', attempt: { taskInstanceId: 't', epoch: 1 }, at: 1, outcome };
  expect(attemptReportSchema.safeParse(report)).toMatchObject({ success: true });
}
