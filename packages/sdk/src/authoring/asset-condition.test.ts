import { assetScheduleSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { asset, assetAlias, dag, DefinitionError } from '../index.ts';

const [orders, returns, partners] = [asset('orders'), asset('returns'), asset('partners')];

function scheduleOf(schedule: unknown): unknown {
  return dag('d', { schedule: schedule as never }, () => {}).serialized.schedule;
}

const nested = (depth: number): unknown => (depth === 0 ? orders : { any: [nested(depth - 1)] });

describe('a schedule of assets', () => {
  test.each([
    ['an asset', orders, { any: ['orders'] }],
    ['a reference by name', asset.ref({ name: 'customers' }), { any: [{ name: 'customers' }] }],
    ['a reference by uri', asset.ref({ uri: 's3://customers' }), { any: [{ uri: 's3://customers' }] }],
    ['an alias', assetAlias('parts'), { any: [{ alias: 'parts' }] }],
    ['a list, which means all', [orders, returns], { all: ['orders', 'returns'] }],
    ['any of several, each once', { any: [orders, returns, orders] }, { any: ['orders', 'returns'] }],
    ['all of several', { all: [orders, returns] }, { all: ['orders', 'returns'] }],
    ['lists in conditions', { any: [[orders, returns], partners] }, { any: [{ all: ['orders', 'returns'] }, 'partners'] }],
    ['conditions in conditions', [orders, { any: [returns, partners] }], { all: ['orders', { any: ['returns', 'partners'] }] }],
    [
      'settings',
      { any: [orders], runs: 'batch', window: { minutes: 5 }, maxEvents: 20, whilePaused: 'drop' },
      { any: ['orders'], runs: 'batch', batchWindowMs: 300_000, batchMaxEvents: 20, whilePaused: 'drop' },
    ],
    ['a batch that the condition closes', { all: [orders, returns], runs: 'batch' }, { all: ['orders', 'returns'], runs: 'batch' }],
  ])('takes %s', (_, given, expected) => {
    expect(scheduleOf(given)).toEqual({ kind: 'asset', ...expected });
    expect(assetScheduleSchema.parse(scheduleOf(given))).toEqual({ kind: 'asset', ...expected });
  });

  test('describes the assets that it names, and not those that it refers to', () => {
    const { assets } = dag('d', { schedule: [orders, { any: [returns, asset.ref({ name: 'customers' })] }] }, () => {}).serialized;
    expect(assets.map(({ name }) => name)).toEqual(['orders', 'returns']);
  });

  test.each([
    ['an empty list', [], 'schedule is []; list at least one asset'],
    ['no asset', { any: [] }, 'schedule.any is []; list at least one asset'],
    ['a name', { any: [orders, 'returns'] }, "schedule.any[1] is 'returns'; list assets, as asset() returns them"],
    ['any and all', { any: [orders], all: [returns] }, 'schedule has both any and all'],
    ['an unknown setting', { any: [orders], run: 'batch' }, "'run' is not a field of schedule; did you mean 'runs'?"],
    ['settings inside', { all: [orders, { any: [returns], runs: 'batch' }] }, "'runs' is not a field of schedule.all[1]"],
    ['other runs', { any: [orders], runs: 'one' }, "schedule.runs is 'one'; use 'each_event' or 'batch'"],
    ['a bare number as window', { any: [orders], runs: 'batch', window: 5 }, 'schedule.window is 5; give a duration'],
    ['a window of no length', { any: [orders], runs: 'batch', window: {} }, 'schedule.window is {}; give a duration'],
    ['a large batch', { any: [orders], runs: 'batch', maxEvents: 1_001 }, 'schedule.maxEvents is 1001; give a whole number from 1 to 1000'],
    ['a window without batches', { any: [orders], window: { minutes: 1 } }, "add runs: 'batch'"],
    ['batches of one', { any: [orders, returns], runs: 'batch' }, 'every batch would hold one'],
    ['another answer to a pause', { any: [orders], whilePaused: 'skip' }, "schedule.whilePaused is 'skip'; use 'queue' or 'drop'"],
    ['deep nesting', nested(9), 'nested more than 8 levels deep'],
    ['very many assets', { any: Array.from({ length: 501 }, (_, index) => asset(`a${index}`)) }, 'schedule names 501 assets'],
  ])('refuses %s', (_, given, message) => {
    expect(() => scheduleOf(given)).toThrow(DefinitionError);
    expect(() => scheduleOf(given)).toThrow(message);
  });
});

describe('a reference', () => {
  test.each([
    ['both', { name: 'a', uri: 'b' }, 'give either { name } or { uri }'],
    ['nothing', {}, 'give either { name } or { uri }'],
    ['a blank uri', { uri: ' ' }, 'a uri is a text'],
    ['a blank name', { name: ' ' }, 'a name is 1 to 250'],
    ['a text', 'a', 'must be an object'],
  ])('refuses %s', (_, given, message) => {
    expect(() => asset.ref(given as never)).toThrow(message);
  });
});

test('an alias refuses a blank name', () => {
  expect(() => assetAlias(' ')).toThrow('asset alias " ": a name is 1 to 250');
});

describe('a task', () => {
  const taskOf = (spec: object) => dag('d', (d) => void d.task('t', { run: () => 1, ...spec })).serialized.tasks[0];

  test('has aliases apart from its outlets, and references among its inlets', () => {
    expect(taskOf({ outlets: [orders, assetAlias('parts')], inlets: [returns, asset.ref({ name: 'customers' })] })).toMatchObject({
      outlets: ['orders'],
      outletAliases: ['parts'],
      inlets: ['returns', 'customers'],
    });
  });

  test.each([
    ['a reference as an outlet', { outlets: [asset.ref({ name: 'a' })] }, 'outlets[0] is'],
    ['an alias as an inlet', { inlets: [assetAlias('a')] }, 'inlets[0] is'],
    ['a reference by uri as an inlet', { inlets: [asset.ref({ uri: 'a' })] }, 'since events are read by name'],
  ])('refuses %s', (_, spec, message) => {
    expect(() => taskOf(spec)).toThrow(message);
  });
});

test('a schedule in a dag file that names no asset, or two lists, is refused by its schema', () => {
  expect(assetScheduleSchema.safeParse({ kind: 'asset' }).success).toBe(false);
  expect(assetScheduleSchema.safeParse({ kind: 'asset', any: ['a'], all: ['a'] }).success).toBe(false);
  expect(assetScheduleSchema.safeParse({ kind: 'asset', any: [{ any: [{ alias: 'x' }] }] }).success).toBe(true);
});
