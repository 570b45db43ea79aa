import { describe, expect, test } from 'vitest';
import { asset, DefinitionError } from '../index.ts';

const declare = asset as (...args: readonly unknown[]) => unknown;

describe('asset', () => {
  test('is named, and everything else follows from the name', () => {
    expect(asset('orders')).toEqual({ name: 'orders', uri: 'orders', group: 'asset', eventType: 'orders.completed', watchers: [] });
  });

  test('keeps what it is given', () => {
    const options = {
      uri: 's3://warehouse/orders',
      group: 'warehouse',
      extra: { team: 'orders' },
      eventType: 'com.example.orders.v1',
      publish: { transport: 'sns', topic: 'orders' },
      watchers: [{ transport: 'sqs', queue: 'orders', type: 'com.example.orders.v1' }],
    } as const;
    expect(asset('orders', options)).toEqual({ name: 'orders', ...options });
  });

  test('is frozen, and leaves the author’s own objects alone', () => {
    const watcher = { transport: 'sqs', queue: 'orders' } as const;
    const declared = asset('orders', { watchers: [watcher] });
    expect([Object.isFrozen(declared), Object.isFrozen(declared.watchers[0]), Object.isFrozen(watcher)]).toEqual([true, true, false]);
  });

  test.each([
    ['no name', [undefined], 'a name is 1 to 250 printable ASCII characters'],
    ['a blank name', [' '], 'asset " ": a name is 1 to 250'],
    ['a name of other letters', ['bücher'], 'asset "bücher": a name is 1 to 250'],
    ['an unknown option', ['orders', { url: 's3://a' }], "'url' is not a field of the options of asset(); did you mean 'uri'?"],
    ['a blank uri', ['orders', { uri: ' ' }], 'asset "orders": uri is blank'],
    ['a long uri', ['orders', { uri: 'x'.repeat(1_501) }], 'uri has 1501 characters; at most 1500'],
    ['the reserved scheme', ['orders', { uri: 'airflow://orders' }], 'the scheme airflow is reserved'],
    ['a blank event type', ['orders', { eventType: '' }], 'eventType is blank'],
    ['a list as extra', ['orders', { extra: [1] }], 'extra must be an object and not [ 1 ]'],
    ['extra that is not JSON', ['orders', { extra: { at: 1n } }], 'extra is not JSON: $.at is a BigInt'],
    ['a topic’s name as publish', ['orders', { publish: 'orders' }], "publish is 'orders'; use a provider’s function, such as sns()"],
    ['one watcher for a list', ['orders', { watchers: { transport: 'sqs', queue: 'orders' } }], 'watchers must be a list'],
    ['a queue’s name as watcher', ['orders', { watchers: ['orders'] }], "watchers[0] is 'orders'; use a provider’s function"],
  ])('refuses %s', (_, args, message) => {
    expect(() => declare(...args)).toThrow(DefinitionError);
    expect(() => declare(...args)).toThrow(message);
  });
});
