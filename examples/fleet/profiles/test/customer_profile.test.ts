import { asset } from '@tradewind/sdk';
import { runDag } from '@tradewind/sdk/testing';
import { describe, expect, test } from 'vitest';
import { customerProfileDag } from '../dags/customer_profile.ts';

const customerMaster = asset('customer_master');
const ada = { id: 'C-001', name: 'Ada Testwell', email: 'ada@example.com', country: 'DE', customerSince: '2019-03-14' };
const bruno = { id: 'C-002', name: 'Bruno Mockridge', email: 'bruno@example.org', country: 'FR' };

describe('customer_profile', () => {
  test('builds a profile for each customer that the event brings', async () => {
    const { state, task } = await runDag(customerProfileDag, {
      events: [{ asset: customerMaster, extra: { customers: [ada, bruno], total: 2, duplicates: 0 } }],
    });
    expect(state).toBe('success');
    expect(task('build_profiles').value).toEqual([
      { customerId: 'C-001', greeting: 'Dear Ada Testwell', mailProvider: 'example.com', country: 'DE', since: '2019-03-14' },
      { customerId: 'C-002', greeting: 'Dear Bruno Mockridge', mailProvider: 'example.org', country: 'FR', since: null },
    ]);
    expect(task('summarize').log).toEqual([{ level: 'info', event: 'profiles built', fields: { profiles: 2, countries: 2 } }]);
  });

  test('is started by the messages of its queue', () => {
    expect(customerProfileDag.serialized).toMatchObject({
      schedule: { kind: 'asset', any: ['customer_master'] },
      assets: [{ name: 'customer_master', watchers: [{ transport: 'sqs', queue: 'profiles-customer_master' }] }],
    });
  });

  test('fails for good where the event contradicts itself', async () => {
    const { task } = await runDag(customerProfileDag, { params: { customers: [ada], total: 2 } });
    expect(task('build_profiles')).toMatchObject({
      state: 'failed',
      tries: 1,
      error: { message: 'the event says 2 customers and brings 1' },
    });
  });

  test('does not start on an event without customers', async () => {
    await expect(runDag(customerProfileDag, { events: [{ asset: customerMaster, extra: { total: 2 } }] })).rejects.toThrow(
      'param "customers" has no default and was not given',
    );
  });
});
