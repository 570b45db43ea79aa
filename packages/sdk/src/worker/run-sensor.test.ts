import type { SerializedSensor, TryContext } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { TaskLog } from '../authoring/task-context.ts';
import { FailTask, SkipTask } from '../errors.ts';
import { runHandler } from './run-handler.ts';
import { sensorHandler } from './run-sensor.ts';
import { createTaskContext } from './task-context.ts';

const MINUTE = 60_000;
const SENSOR: SerializedSensor = { mode: 'poke', pokeIntervalMs: MINUTE, timeoutMs: 10 * MINUTE, onFailure: 'fail' };
const TRY: TryContext = {
  dagId: 'd',
  runId: 'r',
  taskId: 't',
  mapIndex: -1,
  tryNumber: 1,
  maxTries: 3,
  logicalDate: null,
  dataIntervalStart: null,
  dataIntervalEnd: null,
  runAfter: '2026-01-01T00:00:00Z',
  params: {},
  triggeringEvents: [],
};

interface Setting {
  readonly sensor?: Partial<SerializedSensor>;
  readonly tried?: Partial<TryContext>;
  readonly abort?: AbortController;
  readonly onSleep?: () => void;
}

/** Runs a sensor on a clock that only sleeps move, and says how it ended, how often it was asked, and how long it waited. */
async function watch(poke: (pokes: number) => unknown, { sensor, tried, abort = new AbortController(), onSleep }: Setting = {}) {
  const waits: number[] = [];
  const errors: unknown[] = [];
  let now = 0;
  let pokes = 0;
  const log: TaskLog = { debug() {}, info() {}, warning() {}, error: (event, fields) => errors.push([event, fields]) };
  const clock = {
    now: () => now,
    sleep: (ms: number, signal: AbortSignal) => {
      waits.push(ms);
      now += ms;
      onSleep?.();
      return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve();
    },
  };
  const ask = (): unknown => {
    pokes += 1;
    return poke(pokes);
  };
  const tryContext = { ...TRY, ...tried };
  const handler = sensorHandler({ ...SENSOR, ...sensor }, ask, tryContext, clock);
  const outcome = await runHandler(handler, {}, createTaskContext(tryContext, { signal: abort.signal, log, outlets: [] }));
  return { outcome, pokes, waits, errors };
}

describe('a sensor', () => {
  test('asks until it finds something, and passes that on', async () => {
    const { outcome, waits } = await watch((pokes) => (pokes < 3 ? false : { done: true, value: 'a.csv' }));
    expect(outcome).toMatchObject({ result: 'success', valueJson: '"a.csv"' });
    expect(waits).toEqual([MINUTE, MINUTE]);
  });

  test('passes on null where it found something without a value', async () => {
    expect((await watch(() => true)).outcome).toMatchObject({ result: 'success', valueJson: 'null' });
    expect((await watch(() => ({ done: true }))).outcome).toMatchObject({ result: 'success', valueJson: 'null' });
  });

  test('fails without a further try when its time is over, having asked a last time at the end of it', async () => {
    const { outcome, waits } = await watch(() => false, { sensor: { timeoutMs: 2.5 * MINUTE } });
    expect(outcome).toEqual({
      result: 'failed',
      failure: {
        kind: 'fail_without_retry',
        message: 'the sensor found nothing within 150 seconds and 4 pokes',
        detail: expect.any(String) as string,
      },
    });
    expect(waits).toEqual([MINUTE, MINUTE, MINUTE / 2]);
  });

  test('counts its time from when the task instance first ran, over retries', async () => {
    const { outcome, pokes } = await watch(() => false, { tried: { firstStartedAt: -10 * MINUTE, tryNumber: 2 } });
    expect([outcome.result, pokes]).toEqual(['failed', 1]);
  });

  test.each(['soft', 'never'] as const)('is skipped when its time is over and onFailure is %s', async (onFailure) => {
    expect((await watch(() => false, { sensor: { onFailure } })).outcome).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining('found nothing within 600 seconds') as string,
    });
  });

  test('fails when its time is over though errors are silent', async () => {
    expect((await watch(() => false, { sensor: { onFailure: 'silent' } })).outcome).toMatchObject({
      failure: { kind: 'fail_without_retry' },
    });
  });

  test('refuses an answer that is none', async () => {
    expect((await watch(() => 'yes')).outcome).toMatchObject({
      failure: { kind: 'fail_without_retry', message: "poke returned 'yes'; it must return true, false or { done, value }" },
    });
  });
});

describe('a poke that fails', () => {
  const broken = (): never => {
    throw new Error('no network');
  };
  const hopeless = (): never => {
    throw new FailTask('no such bucket');
  };

  test.each([
    ['an error', 'fail', broken, { result: 'failed', failure: { kind: 'error', message: 'no network' } }],
    ['an error', 'soft', broken, { result: 'failed', failure: { kind: 'error' } }],
    ['an error', 'never', broken, { result: 'skipped', reason: "the sensor failed, and onFailure is 'never': no network" }],
    ['context.fail', 'fail', hopeless, { result: 'failed', failure: { kind: 'fail_without_retry' } }],
    ['context.fail', 'silent', hopeless, { result: 'failed', failure: { kind: 'fail_without_retry' } }],
    ['context.fail', 'soft', hopeless, { result: 'skipped' }],
    ['context.fail', 'never', hopeless, { result: 'skipped' }],
  ] as const)('with %s under %s', async (_, onFailure, poke, outcome) => {
    expect((await watch(poke, { sensor: { onFailure } })).outcome).toMatchObject(outcome);
  });

  test('under silent is logged, and asked again', async () => {
    const { outcome, errors } = await watch((pokes) => (pokes === 1 ? broken() : true), { sensor: { onFailure: 'silent' } });
    expect(outcome.result).toBe('success');
    expect(errors).toEqual([['the sensor failed to look and will look again', { error: 'Error: no network' }]]);
  });

  test.each(['soft', 'never', 'silent'] as const)(
    'because the try is to end is no reason to skip, or to go on, under %s',
    async (onFailure) => {
      const abort = new AbortController();
      const interrupted = (): never => {
        abort.abort(new Error('somebody cleared it'));
        throw abort.signal.reason as Error;
      };
      const { outcome, pokes } = await watch(interrupted, { sensor: { onFailure }, abort });
      expect([outcome, pokes]).toMatchObject([{ result: 'failed', failure: { kind: 'error', message: 'somebody cleared it' } }, 1]);
    },
  );

  test('by skipping itself is skipped, whatever onFailure says', async () => {
    const skip = (): never => {
      throw new SkipTask('holiday');
    };
    expect((await watch(skip, { sensor: { onFailure: 'silent' } })).outcome).toEqual({ result: 'skipped', reason: 'holiday' });
  });
});

describe('the wait between two pokes', () => {
  test('gives the slot back in reschedule mode, and says until when', async () => {
    const sensor = { mode: 'reschedule' } as const;
    expect(await watch(() => false, { sensor })).toMatchObject({ outcome: { result: 'rescheduled', at: MINUTE }, pokes: 1, waits: [] });
    const late = { firstStartedAt: -9.5 * MINUTE, rescheduleCount: 9 };
    expect((await watch(() => false, { sensor, tried: late })).outcome).toEqual({ result: 'rescheduled', at: MINUTE / 2 });
  });

  test('about doubles with back-off, varies by the task, and is the same for the same task', async () => {
    const setting = { sensor: { exponentialBackoff: true, timeoutMs: 1_000 * MINUTE } as const };
    const waits = (await watch((pokes) => pokes > 6, setting)).waits;
    waits.forEach((wait, index) => {
      expect(wait).toBeGreaterThanOrEqual(MINUTE * 2 ** index);
      expect(wait).toBeLessThan(MINUTE * 2 ** (index + 1));
    });
    expect((await watch((pokes) => pokes > 6, setting)).waits).toEqual(waits);
    expect((await watch((pokes) => pokes > 6, { ...setting, tried: { taskId: 'other' } })).waits).not.toEqual(waits);
  });

  test('goes on doubling over reschedules', async () => {
    const setting = { sensor: { mode: 'reschedule', exponentialBackoff: true, timeoutMs: 10_000 * MINUTE } as const };
    const { outcome } = await watch(() => false, { ...setting, tried: { rescheduleCount: 5 } });
    expect(outcome).toMatchObject({ result: 'rescheduled' });
    expect((outcome as { at: number }).at).toBeGreaterThanOrEqual(32 * MINUTE);
  });

  test('is never longer than maxWait', async () => {
    const sensor = { exponentialBackoff: true, maxWaitMs: 90_000, timeoutMs: 100 * MINUTE } as const;
    const { waits } = await watch((pokes) => pokes > 5, { sensor });
    expect(Math.max(...waits)).toBe(90_000);
    expect((await watch((pokes) => pokes > 1, { sensor: { maxWaitMs: 1_000 } })).waits).toEqual([1_000]);
  });

  test('ends at once when the try is to end', async () => {
    const abort = new AbortController();
    const { outcome, pokes } = await watch(() => false, { abort, onSleep: () => abort.abort(new Error('somebody cleared it')) });
    expect([outcome, pokes]).toMatchObject([{ result: 'failed', failure: { kind: 'error', message: 'somebody cleared it' } }, 1]);
  });
});
