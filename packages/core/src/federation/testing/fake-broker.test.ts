import { expect, test } from 'vitest';
import { describeEventSource } from '../transports/source.contract.ts';
import { createFakeBroker, type FakeBrokerOptions } from './fake-broker.ts';
import { createSeededRandom } from '../../platform/testing/seeded-random.ts';
import { createVirtualClock } from '../../platform/testing/virtual-clock.ts';

describeEventSource('the fake broker', () => {
  const clock = createVirtualClock();
  const broker = createFakeBroker({ clock, random: createSeededRandom(1) });
  broker.createQueue('queue');
  return Promise.resolve({
    openSource: () => broker.openSource('queue'),
    openMissing: () => broker.openSource('missing-queue'),
    send: (body: string, attributes: Readonly<Record<string, string>> = {}) => {
      broker.send('queue', { body, attributes });
      return Promise.resolve();
    },
    letVisibilityTimeoutPass: () => clock.advance(30_000),
    letWaitPass: () => clock.advance(1_000),
    close: () => Promise.resolve(),
  });
});

/** The bodies that come out of a queue of fifty, in their order, each acknowledged. */
async function historyOf(seed: number, behaviour: Omit<FakeBrokerOptions, 'clock' | 'random'>): Promise<readonly string[]> {
  const clock = createVirtualClock();
  const broker = createFakeBroker({ clock, random: createSeededRandom(seed), ...behaviour });
  broker.createQueue('queue');
  for (let count = 0; count < 50; count += 1) broker.send('queue', { body: String(count) });
  const source = broker.openSource('queue');
  const history: string[] = [];
  while (broker.remaining('queue') > 0) {
    const messages = await source.receive(new AbortController().signal, 0);
    history.push(...messages.map(({ body }) => body));
    await source.acknowledge(messages);
    await clock.advance(10_000);
  }
  return history;
}

test('a seed repeats a history, and another seed has another', async () => {
  const behaviour = { duplicateFraction: 0.3, isReordering: true, failedAcknowledgementFraction: 0.2 };
  expect(await historyOf(7, behaviour)).toEqual(await historyOf(7, behaviour));
  expect(await historyOf(7, behaviour)).not.toEqual(await historyOf(8, behaviour));
});

test('messages come in order and once unless the broker is told otherwise', async () => {
  const inOrder = Array.from({ length: 50 }, (_, index) => String(index));
  expect(await historyOf(1, {})).toEqual(inOrder);
  expect((await historyOf(1, { isReordering: true })).toSorted((a, b) => Number(a) - Number(b))).toEqual(inOrder);
  expect(await historyOf(1, { isReordering: true })).not.toEqual(inOrder);
  expect((await historyOf(1, { duplicateFraction: 0.5 })).length).toBeGreaterThan(60);
});
