import type { AssetConditionGroup, AssetScheduleOptions, SerializedAssetSchedule } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideAssetRuns, type QueuedEvent } from './decide-asset-runs.ts';

/** An event a second: the letter names the asset, its place in the text is its position, from 1. */
function eventsOf(letters: string): QueuedEvent[] {
  return letters
    .split('')
    .flatMap((name, index) =>
      name === '.'
        ? []
        : [{ name, uri: `uri:${name}`, aliases: name === 'z' ? ['late'] : [], position: index + 1, queuedAt: (index + 1) * 1_000 }],
    );
}

function scheduleOf(condition: AssetConditionGroup, options: AssetScheduleOptions = {}): SerializedAssetSchedule {
  return { kind: 'asset', ...condition, ...options };
}

/** The runs as text, each with what it takes: `a1b3`. */
function show(runs: readonly { readonly events: readonly QueuedEvent[] }[]): string {
  return runs.map(({ events }) => events.map(({ name, position }) => `${name}${position}`).join('')).join(' ');
}

const AND = { all: ['a', 'b'] };
const EACH: readonly [string, AssetConditionGroup, string, string][] = [
  ['an event of any asset is a run', { any: ['a', 'b'] }, 'aab', 'a1 a2 b3'],
  ['one event of each asset is a run', AND, 'ab', 'a1b2'],
  ['the oldest of an asset is taken first', AND, 'aabb', 'a1b3 a2b4'],
  ['what is not needed waits', AND, 'aaab', 'a1b4'],
  ['one asset named twice needs one event', { all: ['a', 'a'] }, 'aa', 'a1 a2'],
  ['an event counts for every place that names its asset', { all: ['a', { any: ['a', 'b'] }] }, 'aab', 'a1 a2'],
  ['what waits is taken before what has just come', { all: ['a', { any: ['a', 'b'] }] }, 'aba', 'a1 b2a3'],
  ['of two ways the one that was complete first is taken', { all: ['a', { any: ['b', 'c'] }] }, 'cba', 'c1a3'],
  ['nested conditions hold inside each other', { any: [{ all: ['a', 'b'] }, { all: ['c', 'd'] }] }, 'acbd', 'a1b3 c2d4'],
  ['a reference by name means the asset of that name', { all: ['a', { name: 'b' }] }, 'ab', 'a1b2'],
  ['a reference by uri means the asset at that uri', { all: ['a', { uri: 'uri:b' }] }, 'ab', 'a1b2'],
  ['an alias means every asset that it stands for', { all: ['a', { alias: 'late' }] }, 'azaz', 'a1z2 a3z4'],
  ['an event that nobody asked for makes nothing', AND, 'axb', 'a1b3'],
];

test.each(EACH)('each event: %s', (_, condition, letters, runs) => {
  const decided = decideAssetRuns(scheduleOf(condition), { waiting: eventsOf(letters), decidedPosition: 0, now: 1e9 });
  expect(show(decided.runs)).toBe(runs);
  expect(decided.nextDueAt).toBeUndefined();
});

const BATCHES: readonly [string, AssetConditionGroup & AssetScheduleOptions, string, string][] = [
  ['takes everything that came until the condition held', { ...AND }, 'aaabaab', 'a1a2a3b4 a5a6b7'],
  ['stays open for its window', { any: ['a'], batchWindowMs: 3_000 }, 'aaaaa', 'a1a2a3 a4a5'],
  ['begins with its first event, however long nothing came', { any: ['a'], batchWindowMs: 3_000 }, 'aa.....aa', 'a1a2 a8a9'],
  ['waits for the condition beyond its window', { ...AND, batchWindowMs: 2_000 }, 'aaaab', 'a1a2a3a4b5'],
  ['is over at the end of the window, also where the condition held before', { ...AND, batchWindowMs: 4_000 }, 'abaaaa', 'a1b2a3a4'],
  ['closes when it is full', { any: ['a'], batchMaxEvents: 2 }, 'aaaaa', 'a1a2 a3a4'],
  ['closes when it is full before its window is over', { any: ['a'], batchMaxEvents: 2, batchWindowMs: 9_000 }, 'aaa', 'a1a2 a3'],
  ['takes what the condition needs and then the oldest, up to its size', { ...AND, batchMaxEvents: 3 }, 'aaaabb', 'a1a2b5 a3a4b6'],
];

test.each(BATCHES)('a batch %s', (_, condition, letters, runs) => {
  const schedule = scheduleOf({ ...condition }, { runs: 'batch' });
  const decided = decideAssetRuns(schedule, { waiting: eventsOf(letters), decidedPosition: 0, now: 1e9 });
  expect(show(decided.runs)).toBe(runs);
});

describe('an open batch', () => {
  const schedule = scheduleOf({ any: ['a'] }, { runs: 'batch', batchWindowMs: 3_000 });

  test('says when it closes, and is a run from then on', () => {
    const waiting = eventsOf('aa');
    expect(decideAssetRuns(schedule, { waiting, decidedPosition: 0, now: 3_999 })).toMatchObject({ runs: [], nextDueAt: 4_000 });
    const { runs } = decideAssetRuns(schedule, { waiting, decidedPosition: 2, now: 60_000 });
    expect(runs).toEqual([{ events: waiting, dueAt: 4_000 }]);
  });

  test('names no time while its condition does not hold', () => {
    const both = scheduleOf(AND, { runs: 'batch', batchWindowMs: 3_000 });
    expect(decideAssetRuns(both, { waiting: eventsOf('aa'), decidedPosition: 0, now: 1e9 })).toEqual({
      runs: [],
      unwanted: [],
      nextDueAt: undefined,
    });
  });
});

test('a run is due when its last event came', () => {
  const { runs } = decideAssetRuns(scheduleOf(AND), { waiting: eventsOf('a..b'), decidedPosition: 0, now: 1e9 });
  expect(runs.map(({ dueAt }) => dueAt)).toEqual([4_000]);
});

test('events that the schedule does not ask for are named', () => {
  const { unwanted } = decideAssetRuns(scheduleOf(AND), { waiting: eventsOf('axb'), decidedPosition: 0, now: 0 });
  expect(unwanted.map(({ name }) => name)).toEqual(['x']);
});

const SCHEDULES: readonly SerializedAssetSchedule[] = [
  ...EACH.map(([, condition]) => scheduleOf(condition)),
  ...BATCHES.map(([, condition]) => scheduleOf(condition, { runs: 'batch' })),
  scheduleOf({ all: ['a', { any: ['b', { all: ['c', 'd'] }] }] }, { runs: 'batch', batchWindowMs: 2_500, batchMaxEvents: 4 }),
];

test.each(SCHEDULES.map((schedule) => [JSON.stringify(schedule), schedule] as const))(
  'the runs of %s are the same however the events are split into passes',
  (_, schedule) => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = createRandom(seed);
      const events = drawEvents(random);
      const end = (events.at(-1)?.queuedAt ?? 0) + 1e6;
      const whole = decideAssetRuns(schedule, { waiting: events, decidedPosition: 0, now: end }).runs;
      expect(inPasses(schedule, { events, end, random })).toEqual(whole);
      expect(new Set(whole.flatMap((run) => run.events)).size, 'no event is taken twice').toBe(whole.flatMap((run) => run.events).length);
    }
  },
);

/** Decides as schedulers do that look at drawn moments: each sees the events up to then, less those that runs have taken. */
function inPasses(
  schedule: SerializedAssetSchedule,
  { events, end, random }: { readonly events: readonly QueuedEvent[]; readonly end: number; readonly random: () => number },
) {
  const taken = new Set<QueuedEvent>();
  const runs: unknown[] = [];
  let seen = 0;
  let decidedPosition = 0;
  let now = 0;
  while (now < end) {
    seen = Math.min(events.length, seen + Math.floor(random() * 4));
    const [before, after] = [events[seen - 1]?.queuedAt ?? 0, events[seen]?.queuedAt ?? end];
    now = Math.max(now, random() < 0.5 ? before : after);
    const waiting = events.slice(0, seen).filter((event) => !taken.has(event));
    const decided = decideAssetRuns(schedule, { waiting, decidedPosition, now });
    for (const run of decided.runs) for (const event of run.events) taken.add(event);
    runs.push(...decided.runs);
    decidedPosition = events[seen - 1]?.position ?? 0;
  }
  return runs;
}

function drawEvents(random: () => number): QueuedEvent[] {
  let at = 0;
  const count = Math.floor(random() * 30);
  return Array.from({ length: count }, (_, index) => {
    at += Math.floor(random() * 3) * 700;
    const name = 'abcdxz'[Math.floor(random() * 6)] ?? 'a';
    return { name, uri: `uri:${name}`, aliases: name === 'z' ? ['late'] : [], position: index + 1, queuedAt: at };
  });
}

/** A linear congruential generator: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
