import { expect, test } from 'vitest';
import { AuthorCode } from './author-code.ts';
import { createVirtualTime } from './virtual-time.ts';

test('names the code that works without an end', async () => {
  const code = new AuthorCode(createVirtualTime(0), 1);
  const forget = code.start(
    'task "load"',
    () => new Promise<void>(() => {}),
    () => {},
  );
  await expect(code.settle()).rejects.toThrow('task "load" has worked for 0.001 s of real time without an end');
  forget();
  expect(await code.settle()).toBe(false);
});

test('wakes what sleeps in the order of its times, and hands over in the order of its starts', async () => {
  const time = createVirtualTime(0);
  const code = new AuthorCode(time, 60_000);
  const events: string[] = [];
  for (const [name, ms] of [
    ['long', 20],
    ['short', 10],
  ] as const) {
    code.start(
      name,
      async () => {
        await code.sleep(ms);
        events.push(`${name} wakes at ${time.now()}`);
      },
      () => events.push(`${name} is handed over`),
    );
  }
  expect(await code.settle()).toBe(false);
  time.moveTo(20);
  expect(await code.settle()).toBe(true);
  expect(events).toEqual(['short wakes at 20', 'long wakes at 20', 'long is handed over', 'short is handed over']);
});

test('ends a sleep early where its signal aborts', async () => {
  const time = createVirtualTime(0);
  const code = new AuthorCode(time, 60_000);
  const abort = new AbortController();
  const thrown: unknown[] = [];
  code.start(
    'task',
    () => code.sleep(10, abort.signal).catch((error: unknown) => void thrown.push(error)),
    () => {},
  );
  await code.settle();
  abort.abort('enough');
  await code.settle();
  expect([thrown, time.nextAt()]).toEqual([['enough'], undefined]);
});
