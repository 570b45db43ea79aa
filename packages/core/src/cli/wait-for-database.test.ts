import { describe, expect, test } from 'vitest';
import { TradewindError } from '../platform/errors.ts';
import { silentLog, type Log } from '../platform/log.ts';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import type { Database } from '../store/database.ts';
import { waitForDatabase } from './wait-for-database.ts';

const REFUSED = new TradewindError('database_unavailable', 'PostgreSQL does not answer: connect ECONNREFUSED');

/** A database that fails until a time of the clock, and that notes when it was asked. */
function play(answersFrom: number, failure: (now: number) => Error = () => REFUSED) {
  const clock = createVirtualClock();
  const startedAt = clock.now();
  const asked: number[] = [];
  const logged: string[] = [];
  const batch = (): Promise<unknown> => {
    const at = clock.now() - startedAt;
    asked.push(at);
    return at >= answersFrom ? Promise.resolve([[]]) : Promise.reject(failure(at));
  };
  const log: Log = { ...silentLog, info: (event) => logged.push(event), warning: (event) => logged.push(event) };
  const wait = (timeoutMs: number, signal?: AbortSignal) =>
    waitForDatabase({ batch } as unknown as Database, { timeoutMs, clock, log, signal });
  return { clock, asked, logged, wait };
}

describe('a start', () => {
  test('asks a database that answers once, and says nothing', async () => {
    const { wait, asked, logged } = play(0);
    await wait(60_000);
    expect({ asked, logged }).toEqual({ asked: [0], logged: [] });
  });

  test('asks again after pauses that grow from 0.2 to 5 seconds, and says once that it waits', async () => {
    const { clock, wait, asked, logged } = play(16_000);
    const waiting = wait(60_000);
    await clock.advance(30_000);
    await waiting;
    expect(asked).toEqual([0, 200, 600, 1_400, 3_000, 6_200, 11_200, 16_200]);
    expect(logged).toEqual(['waiting for the database', 'the database answers']);
  });

  test('says so again where the reason is another one', async () => {
    const starting = new TradewindError('database_unavailable', 'the database system is starting up');
    const { clock, wait, logged } = play(2_000, (now) => (now < 600 ? REFUSED : starting));
    const waiting = wait(60_000);
    await clock.advance(5_000);
    await waiting;
    expect(logged).toEqual(['waiting for the database', 'waiting for the database', 'the database answers']);
  });

  test('fails with what the database said last when the time is over, having asked once more then', async () => {
    const { clock, wait, asked } = play(Number.POSITIVE_INFINITY);
    const waiting = wait(1_000);
    const failed = expect(waiting).rejects.toBe(REFUSED);
    await clock.advance(2_000);
    await failed;
    expect(asked).toEqual([0, 200, 600, 1_000]);
  });

  test('asks once where it is not to wait', async () => {
    const { wait, asked } = play(1);
    await expect(wait(0)).rejects.toBe(REFUSED);
    expect(asked).toEqual([0]);
  });

  test('does not wait where waiting cannot help', async () => {
    const wrong = new TradewindError('bad_configuration', 'password authentication failed');
    const { wait, asked } = play(1_000, () => wrong);
    await expect(wait(60_000)).rejects.toBe(wrong);
    expect(asked).toEqual([0]);
  });

  test('stops waiting when it is given up', async () => {
    const { clock, wait } = play(Number.POSITIVE_INFINITY);
    const givenUp = new AbortController();
    const failed = expect(wait(60_000, givenUp.signal)).rejects.toBe(REFUSED);
    await clock.advance(300);
    givenUp.abort();
    await failed;
  });
});
