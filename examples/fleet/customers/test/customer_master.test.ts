import { runDag } from '@tradewind/sdk/testing';
import { describe, expect, test } from 'vitest';
import { customerMasterDag } from '../dags/customer_master.ts';

const row = (fields: Readonly<Record<string, string>>) => ({
  id: 'C-1',
  name: 'Ada Testwell',
  email: 'ada@example.com',
  country: 'DE',
  customer_since: '2020-01-01',
  ...fields,
});

describe('customer_master', () => {
  test('publishes each customer of the file once, and the figures', async () => {
    const { state, events } = await runDag(customerMasterDag);
    expect(state).toBe('success');
    expect(events).toMatchObject([{ assetName: 'customer_master', taskId: 'publish', extra: { total: 30, duplicates: 2, invalid: 5 } }]);
    const [{ extra } = { extra: {} }] = events;
    const { customers, byCountry } = extra as { customers: { id: string }[]; byCountry: Record<string, number> };
    expect(new Set(customers.map(({ id }) => id)).size).toBe(30);
    expect(Object.values(byCountry).reduce((sum, count) => sum + count, 0)).toBe(30);
  });

  test('is read by others under its name', () => {
    expect(customerMasterDag.serialized.assets).toMatchObject([
      { eventType: 'customer_master.completed', publish: { transport: 'sns', topic: 'customer_master' } },
    ]);
  });

  test.each([
    ['stray spaces', { name: '  Ada   Testwell ' }, { name: ' Ada Testwell ' }],
    ['capitals of an address', { email: 'ADA@Example.com' }, { email: 'ada@example.com' }],
    ['small letters of a country', { country: 'de' }, { country: 'DE' }],
  ])('evens out %s', async (_, given, expected) => {
    const { task } = await runDag(customerMasterDag, { fakes: { extract: [row(given)] } });
    expect(task('clean').value).toMatchObject({ customers: [expected], duplicates: 0, invalid: 0 });
  });

  test.each([
    ['an id', { id: '' }],
    ['a name', { name: '' }],
    ['an address', { email: '' }],
    ['an @', { email: 'ada.example.com' }],
  ])('leaves out a row without %s', async (_, given) => {
    const { task } = await runDag(customerMasterDag, { fakes: { extract: [row(given)] } });
    expect(task('clean').value).toEqual({ customers: [], duplicates: 0, invalid: 1 });
  });

  test('keeps the first of two rows with one id', async () => {
    const rows = [row({ name: 'First' }), row({ id: 'c-1', name: 'Second' })];
    const { task } = await runDag(customerMasterDag, { fakes: { extract: rows } });
    expect(task('clean').value).toMatchObject({ customers: [{ name: 'First' }], duplicates: 1 });
  });
});
