import { describe, expect, test } from 'vitest';
import { planTopology } from './plan-topology.ts';
import type { Traffic } from './read-traffic.ts';

const traffic = (environment: string, parts: Partial<Traffic>): Traffic => ({
  environment,
  bundleVersion: 'v',
  publishes: [],
  watches: [],
  ...parts,
});
const customers = traffic('customers', { publishes: [{ asset: 'master', topic: 'master-events' }] });

describe('planTopology', () => {
  test('gives a queue what is published of the asset that it is watched for', () => {
    const profiles = traffic('profiles', { watches: [{ asset: 'master', queue: 'profiles-master' }] });
    expect(planTopology([customers, profiles], { subscriptions: [] })).toEqual({
      topology: {
        topics: ['master-events'],
        queues: [{ name: 'profiles-master' }],
        subscriptions: [{ topic: 'master-events', queue: 'profiles-master' }],
      },
      unfilled: [],
    });
  });

  test('knows topics by their ARN and queues by their URL', () => {
    const arn = traffic('a', { publishes: [{ asset: 'x', topic: 'arn:aws:sns:eu-central-1:000000000000:x-events' }] });
    const url = traffic('b', { watches: [{ asset: 'x', queue: 'http://127.0.0.1:1/000000000000/b-x' }] });
    expect(planTopology([arn, url], { subscriptions: [] }).topology.subscriptions).toEqual([{ topic: 'x-events', queue: 'b-x' }]);
  });

  test('makes a queue that nothing fills, and says so', () => {
    const lonely = traffic('lonely', { watches: [{ asset: 'other', queue: 'lonely-other' }] });
    const { topology, unfilled } = planTopology([customers, lonely], { subscriptions: [] });
    expect(topology.queues).toEqual([{ name: 'lonely-other' }]);
    expect(topology.subscriptions).toEqual([]);
    expect(unfilled).toEqual([{ environment: 'lonely', asset: 'other', queue: 'lonely-other' }]);
  });

  test('adds what the fleet file declares, once', () => {
    const lonely = traffic('lonely', { watches: [{ asset: 'other', queue: 'q' }] });
    const declared = { topic: 'master-events', queue: 'q' };
    const { topology, unfilled } = planTopology([customers, lonely], { subscriptions: [declared, declared] });
    expect(topology).toEqual({ topics: ['master-events'], queues: [{ name: 'q' }], subscriptions: [declared] });
    expect(unfilled).toEqual([]);
  });
});
