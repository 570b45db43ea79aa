import type { SerializedAssetSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { summariseAssetSchedule } from './asset-condition.ts';

const CASES: readonly [SerializedAssetSchedule, string][] = [
  [{ kind: 'asset', any: ['orders'] }, 'asset orders'],
  [{ kind: 'asset', any: ['orders', 'returns'] }, 'any of the assets orders, returns'],
  [{ kind: 'asset', all: ['orders', 'returns'], runs: 'batch' }, 'all of the assets orders, returns, in batches'],
  [
    { kind: 'asset', all: ['orders', { any: ['returns', { alias: 'refunds' }] }, { uri: 's3://a' }] },
    'orders and (returns or alias refunds) and s3://a',
  ],
  [{ kind: 'asset', any: [{ name: 'partners' }] }, 'partners'],
];

test.each(CASES)('%j reads as %s', (schedule, summary) => {
  expect(summariseAssetSchedule(schedule)).toBe(summary);
});
