import { describe, expect, test } from 'vitest';
import type { AssetBinding } from '../store/reads/subscription-bindings.ts';
import type { Receipt } from '../store/transitions/receive-messages.ts';
import { decideReceipt } from './decide-receipt.ts';
import { normaliseMessage } from './normalise-message.ts';
import type { ReceivedMessage } from './source.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const REGION = { region: { type: 'string', enum: ['eu', 'us'] } };

const binding = (assetName: string, changes: Partial<AssetBinding> = {}): AssetBinding => ({
  assetId: 1,
  assetName,
  eventType: null,
  dags: [{ dagId: `load-${assetName}`, params: {} }],
  ...changes,
});

function cloudEvent(changes: Record<string, unknown> = {}): string {
  const event = {
    specversion: '1.0',
    id: 'e-1',
    source: '/sales',
    type: 'orders.completed',
    data: { region: 'eu', secret: 1 },
    ...changes,
  };
  return JSON.stringify(event);
}

function decide(body: string, bindings: readonly AssetBinding[], changes: Partial<ReceivedMessage> = {}): Receipt {
  let ids = 0;
  const message = { messageId: 'm-1', receipt: 'r-1', body, attributes: {}, systemAttributes: {}, ...changes };
  return decideReceipt({
    subscription: 'orders-queue',
    message,
    normalised: normaliseMessage(message, 'orders-queue'),
    bindings,
    now: NOW,
    newId: () => {
      ids += 1;
      return `id-${ids}`;
    },
  });
}

describe('a message that matches', () => {
  test('is accepted, is an event of the asset and asks for one run of the dag on it', () => {
    const receipt = decide(cloudEvent(), [binding('orders', { dags: [{ dagId: 'load', params: REGION }] })]);
    expect(receipt).toMatchObject({
      status: 'accepted',
      reason: null,
      eventId: 'e-1',
      eventSource: '/sales',
      eventType: 'orders.completed',
    });
    expect(receipt.assetEvents).toEqual([
      { eventKey: expect.stringMatching(/^[0-9a-f]{64}$/) as string, assetId: 1, extra: '{"region":"eu","secret":1}', occurredAt: NOW },
    ]);
    expect(receipt.runRequests).toEqual([
      {
        id: expect.any(String) as string,
        dagId: 'load',
        runId: expect.stringMatching(/^asset_triggered__[0-9a-f]{32}$/) as string,
        eventKey: receipt.assetEvents[0]?.eventKey,
        conf: '{"region":"eu"}',
        state: 'pending',
        reason: null,
      },
    ]);
  });

  test('has the same run id and event key however often and wherever it is decided', () => {
    const once = decide(cloudEvent(), [binding('orders')]);
    const again = decide(cloudEvent(), [binding('orders')], { messageId: 'm-2', receipt: 'r-2' });
    expect(again.runRequests[0]?.runId).toBe(once.runRequests[0]?.runId);
    expect(again.assetEvents[0]?.eventKey).toBe(once.assetEvents[0]?.eventKey);
    expect(decide(cloudEvent({ id: 'e-2' }), [binding('orders')]).runRequests[0]?.runId).not.toBe(once.runRequests[0]?.runId);
  });

  test('asks for one run of a dag that is scheduled on two of its assets', () => {
    const dags = [{ dagId: 'load', params: {} }];
    const receipt = decide(cloudEvent(), [binding('orders', { dags }), binding('returns', { assetId: 2, dags })]);
    expect(receipt.assetEvents.map(({ assetId }) => assetId)).toEqual([1, 2]);
    expect(receipt.runRequests.map(({ dagId, eventKey }) => [dagId, eventKey])).toEqual([['load', receipt.assetEvents[0]?.eventKey]]);
  });

  test('asks for a run of every dag on the asset', () => {
    const dags = ['a', 'b', 'c'].map((dagId) => ({ dagId, params: {} }));
    const receipt = decide(cloudEvent(), [binding('orders', { dags })]);
    expect(receipt.runRequests.map(({ dagId }) => dagId)).toEqual(['a', 'b', 'c']);
    expect(new Set(receipt.runRequests.map(({ id }) => id)).size).toBe(3);
  });

  test('has no params where its data is no object', () => {
    for (const data of [undefined, null, 'text', [1]]) {
      const receipt = decide(cloudEvent({ data }), [binding('orders')]);
      expect(receipt.runRequests[0]).toMatchObject({ conf: '{}', state: 'pending' });
      expect(receipt.assetEvents[0]?.extra).toBe(JSON.stringify(data ?? null));
    }
  });

  test('happened when it says, but never after it was received', () => {
    const happenedAt = (time: string): number | undefined => decide(cloudEvent({ time }), [binding('orders')]).assetEvents[0]?.occurredAt;
    expect(happenedAt('2026-03-01T11:00:00+01:00')).toBe(Date.parse('2026-03-01T10:00:00Z'));
    expect(happenedAt('2099-01-01T00:00:00Z')).toBe(NOW);
  });
});

describe('params decide', () => {
  const picky = { dagId: 'picky', params: { region: { type: 'string', enum: ['us'] } } };

  test('that one dag refuses while another runs', () => {
    const receipt = decide(cloudEvent(), [binding('orders', { dags: [picky, { dagId: 'load', params: REGION }] })]);
    expect(receipt.status).toBe('accepted');
    expect(receipt.runRequests.map(({ dagId, state }) => [dagId, state])).toEqual([
      ['picky', 'refused'],
      ['load', 'pending'],
    ]);
    expect(receipt.runRequests[0]?.reason).toContain('$.region');
  });

  test('that the message is quarantined where every dag refuses', () => {
    const receipt = decide(cloudEvent(), [binding('orders', { dags: [picky] })]);
    expect(receipt).toMatchObject({ status: 'quarantined', reason: expect.stringContaining('picky: ') as string });
    expect(receipt.reason).toContain('$.region');
  });

  test('that a param without a default which the data lacks refuses the run', () => {
    const receipt = decide(cloudEvent({ data: {} }), [binding('orders', { dags: [{ dagId: 'load', params: REGION }] })]);
    expect(receipt.runRequests[0]).toMatchObject({ state: 'refused', reason: expect.stringContaining('$.region') as string });
  });

  test('and a field called like a method of every object is only a param where the dag declares it', () => {
    const data = { toString: 'x', constructor: 'y' };
    expect(decide(cloudEvent({ data }), [binding('orders')]).runRequests[0]?.conf).toBe('{}');
  });
});

describe('a message that starts nothing', () => {
  test('is unmatched where its type is not asked for', () => {
    const receipt = decide(cloudEvent(), [binding('orders', { eventType: 'other' })]);
    expect(receipt).toMatchObject({ status: 'unmatched', assetEvents: [], runRequests: [] });
    expect(receipt.reason).toContain('orders.completed');
  });

  test('is unmatched where no dag is scheduled on the asset, whose event it still is', () => {
    const receipt = decide(cloudEvent(), [binding('orders', { dags: [] })]);
    expect(receipt).toMatchObject({ status: 'unmatched', reason: 'no dag is scheduled on orders' });
    expect(receipt.assetEvents).toHaveLength(1);
  });

  test('is unmatched where the broker talks about itself, also for a watcher of every type', () => {
    const receipt = decide('{"Service":"Amazon S3","Event":"s3:TestEvent"}', [binding('orders')]);
    expect(receipt).toMatchObject({ status: 'unmatched', assetEvents: [], reason: expect.stringContaining('s3:TestEvent') as string });
  });

  test('is quarantined with its body where it is malformed', () => {
    const body = '{"specversion":"1.0"}';
    expect(decide(body, [binding('orders')])).toMatchObject({
      status: 'quarantined',
      body,
      eventId: null,
      assetEvents: [],
      runRequests: [],
    });
  });
});

test('texts that PostgreSQL cannot store are made storable, and the rest of the body is as it came', () => {
  const receipt = decide(`a\u0000b\ud800c "x" \\`, [binding('orders')], { attributes: { note: '\u0000' } });
  expect(receipt.body).toBe('a\u2400b\ufffdc "x" \\');
  const inJson = decide(cloudEvent({ id: 'e\u0000', type: 't\ud800', data: { a: '\u0000' } }), [binding('orders')]);
  expect(inJson).toMatchObject({ eventId: 'e\u2400', eventType: 't\ufffd' });
  expect(inJson.assetEvents[0]?.extra).toBe('{"a":"\\u0000"}');
  for (const text of [receipt.body, receipt.attributes, ...Object.values(inJson).filter((value) => typeof value === 'string')]) {
    expect(text).not.toContain('\u0000');
  }
});

test('attributes of the broker are kept beside those of the sender without being mistaken for them', () => {
  const { attributes } = decide('x', [], { attributes: { SentTimestamp: 'mine' }, systemAttributes: { SentTimestamp: '1' } });
  expect(JSON.parse(attributes)).toEqual({ SentTimestamp: 'mine', 'sqs:SentTimestamp': '1' });
});
