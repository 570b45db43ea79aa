import type { TaskRequest, TaskResponse } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { asset, assetAlias, FailTask } from '../index.ts';
import { RequestError } from '../errors.ts';
import { createAssetAccess, type AssetAccessParts } from './asset-access.ts';

const orders = asset<{ rows: number }>('orders', { uri: 's3://orders' });
const returns = asset('returns');
const parts = assetAlias('parts');

function accessOf(changes: Partial<AssetAccessParts> = {}) {
  const asked: TaskRequest[] = [];
  const ask = (request: TaskRequest): Promise<TaskResponse> => {
    asked.push(request);
    return Promise.resolve({ ok: true, value: [{ assetName: 'orders', timestamp: '2026-11-21T00:00:00Z', extra: { rows: 1 } }] });
  };
  return { asked, ...createAssetAccess({ triggeringEvents: [], outlets: [], ask, ...changes }) };
}

describe('a success', () => {
  test('is an event of each outlet about which the task said nothing', () => {
    const { access, emitted } = accessOf({ outlets: ['orders', 'returns'] });
    access.emit(orders, { rows: 1 });
    access.emit(orders, { rows: 2 });
    expect(emitted()).toEqual([
      { assetName: 'orders', extraJson: '{"rows":1}' },
      { assetName: 'orders', extraJson: '{"rows":2}' },
      { assetName: 'returns', extraJson: '{}' },
    ]);
  });

  test('is no event of an alias through which nothing was emitted', () => {
    expect(accessOf({ outletAliases: ['parts'] }).emitted()).toEqual([]);
  });
});

describe('an alias', () => {
  test('carries the asset that the task names, whatever it is', () => {
    const { access, emitted } = accessOf({ outletAliases: ['parts'] });
    access.emit(parts, { asset: asset('orders_eu', { uri: 's3://eu', group: 'eu' }), extra: 3 });
    access.emit(parts, { asset: returns });
    expect(emitted()).toEqual([
      { assetName: 'orders_eu', extraJson: '3', via: { alias: 'parts', uri: 's3://eu', group: 'eu' } },
      { assetName: 'returns', extraJson: '{}', via: { alias: 'parts', uri: 'returns', group: 'asset' } },
    ]);
  });

  test.each([
    ['is none of the outlets', [], { asset: orders }, 'alias "parts" is not one of the task’s outlets (it has none)'],
    ['is given no asset', ['parts'], { extra: 1 }, 'takes { asset, extra }'],
    ['is given nothing', ['parts'], undefined, 'takes { asset, extra }'],
  ])('fails the task without retry where it %s', (_, outletAliases, given, message) => {
    const { access } = accessOf({ outletAliases });
    expect(() => {
      access.emit(parts, given as never);
    }).toThrow(message);
  });
});

test('no event can be emitted beyond the limit, the silent outlets counted', () => {
  const { access } = accessOf({ outlets: ['orders', 'returns'] });
  for (let count = 0; count < 999; count += 1) access.emit(orders, { rows: count });
  expect(() => {
    access.emit(orders, { rows: 999 });
  }).toThrow('this is event 1001 of one try');
});

test('the events that started the run are told apart by asset', () => {
  const event = { timestamp: '2026-11-21T00:00:00Z', extra: 1 };
  const { access } = accessOf({
    triggeringEvents: [
      { ...event, assetName: 'orders' },
      { ...event, assetName: 'returns' },
    ],
  });
  expect(access.events().length).toBe(2);
  expect(access.triggeringAssetEvents(orders).map(({ assetName }) => assetName)).toEqual(['orders']);
  expect(access.triggeringAssetEvents(asset.ref({ name: 'returns' })).length).toBe(1);
  expect(() => access.triggeringAssetEvents(asset.ref({ uri: 's3://orders' }))).toThrow('asset.ref({ name })');
});

describe('inletEvents', () => {
  test('asks the environment and reads what it answers', async () => {
    const { access, asked } = accessOf({ inlets: ['orders'] });
    const after = Temporal.Instant.from('2026-11-20T00:00:00Z');
    const events = await access.inletEvents(orders, { after, before: '2026-11-22T00:00:00Z', limit: 2, newestFirst: true });
    expect(asked).toEqual([
      { kind: 'asset_events', assetName: 'orders', after: after.toString(), before: '2026-11-22T00:00:00Z', limit: 2, newestFirst: true },
    ]);
    expect(events.map(({ extra, timestamp }) => [extra.rows, timestamp.epochMilliseconds])).toEqual([[1, Date.UTC(2026, 10, 21)]]);
  });

  test.each([
    ['of an asset that is no inlet', [], {}, 'asset "orders" is not one of the task’s inlets (it has none)'],
    ['without an end', ['orders'], { limit: 0 }, 'a limit from 1 to 1000 and not 0'],
    ['in parts', ['orders'], { limit: 1.5 }, 'a limit from 1 to 1000 and not 1.5'],
  ])('fails the task without retry where it asks %s', async (_, inlets, options, message) => {
    const wish = accessOf({ inlets }).access.inletEvents(orders, options);
    await expect(wish).rejects.toThrow(FailTask);
    await expect(wish).rejects.toThrow(message);
  });

  test('fails where the environment cannot answer', async () => {
    const ask = (): Promise<TaskResponse> => Promise.resolve({ ok: false, code: 'unavailable', message: 'not now' });
    await expect(accessOf({ inlets: ['orders'], ask }).access.inletEvents(orders)).rejects.toThrow(RequestError);
  });
});
