import type { CloudEvent } from '@tradewind/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedBroker, type EmbeddedBroker } from '../embedded-broker.ts';
import { normaliseMessage } from '../normalise-message.ts';
import type { EventPublisher, OutgoingEvent } from '../publisher.ts';
import type { ReceivedMessage } from '../source.ts';
import { startBrokerProxy } from '../testing/broker-proxy.ts';
import type { AwsOptions } from './aws-options.ts';
import { provisionTopology } from './provision-topology.ts';
import { createSnsPublisher, MAX_PUBLISH_BYTES } from './sns-publisher.ts';
import { connectSqs } from './sqs-source.ts';

let broker: EmbeddedBroker;
const idle = new AbortController().signal;

beforeAll(async () => {
  broker = await startEmbeddedBroker();
  await provisionTopology(
    {
      topics: ['orders', 'orders.fifo'],
      queues: [{ name: 'raw' }, { name: 'enveloped' }, { name: 'ordered.fifo', visibilityTimeoutSeconds: 1 }],
      subscriptions: [
        { topic: 'orders', queue: 'raw' },
        { topic: 'orders', queue: 'enveloped', rawMessageDelivery: false },
        { topic: 'orders.fifo', queue: 'ordered.fifo' },
      ],
    },
    broker.aws,
  );
});

afterAll(async () => {
  await broker.close();
});

function openPublisher(options: AwsOptions = broker.aws): EventPublisher {
  const publisher = createSnsPublisher(options);
  onTestFinished(() => {
    publisher.close();
  });
  return publisher;
}

function outgoing(changes: Partial<CloudEvent> = {}, topic = 'orders'): OutgoingEvent {
  const event: CloudEvent = { specversion: '1.0', id: 'e-1', source: '/tradewind/sales/load', type: 'orders.completed', ...changes };
  return { target: { transport: 'sns', topic }, event };
}

/** Takes everything off a queue. */
async function drain(queue: string): Promise<readonly ReceivedMessage[]> {
  const sqs = connectSqs(broker.aws);
  const source = sqs.openSource(queue);
  const received: ReceivedMessage[] = [];
  for (;;) {
    const messages = await source.receive(idle, 0);
    await source.acknowledge(messages);
    received.push(...messages);
    if (messages.length === 0) break;
  }
  sqs.close();
  return received;
}

async function drainAll(): Promise<void> {
  await drain('raw');
  await drain('enveloped');
  await drain('ordered.fifo');
}

describe('an event', () => {
  test('arrives as it was published on a raw and on an enveloped queue, with the same dedupe key', async () => {
    const event = outgoing({
      subject: 'run-1',
      time: '2026-03-01T10:00:00Z',
      data: { text: 'ÄЖ漢🚀\u0000\uFFFE', list: [1, null] },
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    expect(await openPublisher().publish([event], idle)).toEqual([{ outcome: 'sent' }]);
    const [raw, ...moreRaw] = await drain('raw');
    const [enveloped, ...moreEnveloped] = await drain('enveloped');
    expect([moreRaw, moreEnveloped]).toEqual([[], []]);
    if (raw === undefined || enveloped === undefined) throw new Error('nothing arrived');
    expect(normaliseMessage(raw, 'raw')).toMatchObject({ kind: 'event', event: event.event });
    expect(normaliseMessage(enveloped, 'enveloped')).toEqual(normaliseMessage(raw, 'raw'));
    expect(raw.attributes).toEqual({
      'content-type': 'application/cloudevents+json',
      ce_id: 'e-1',
      ce_source: '/tradewind/sales/load',
      ce_type: 'orders.completed',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    // SQS refuses these characters, so they travel as escapes.
    expect(raw.body).not.toContain('\uFFFE');
  });

  test('goes to the topic that its ARN names', async () => {
    const { region, accountId } = broker.aws;
    const topic = `arn:aws:sns:${region}:${accountId}:orders`;
    expect(await openPublisher().publish([outgoing({}, topic)], idle)).toEqual([{ outcome: 'sent' }]);
    expect(await drain('raw')).toHaveLength(1);
    await drainAll();
  });

  test('on a FIFO topic is grouped by its subject and known by its source and id', async () => {
    const publisher = openPublisher();
    const events = [
      outgoing({ id: 'a', subject: 'run-1' }, 'orders.fifo'),
      outgoing({ id: 'b', subject: 'run-1' }, 'orders.fifo'),
      outgoing({ id: 'c' }, 'orders.fifo'),
      outgoing({ id: 'd', subject: 'ÄЖ '.repeat(60) }, 'orders.fifo'),
    ];
    const sent = events.map(() => ({ outcome: 'sent' }));
    expect(await publisher.publish(events, idle)).toEqual(sent);
    expect(await publisher.publish(events, idle)).toEqual(sent);
    const received = await drain('ordered.fifo');
    expect(received.map(({ body }) => (JSON.parse(body) as CloudEvent).id).toSorted()).toEqual(['a', 'b', 'c', 'd']);
    const groups = new Map(
      received.map(({ body, systemAttributes }) => [(JSON.parse(body) as CloudEvent).id, systemAttributes['MessageGroupId']]),
    );
    expect([groups.get('a'), groups.get('b'), groups.get('c')]).toEqual(['run-1', 'run-1', '/tradewind/sales/load']);
    expect(groups.get('d')).toMatch(/^[0-9a-f]{64}$/);
    expect(received.every(({ systemAttributes }) => /^[0-9a-f]{64}$/.test(systemAttributes['MessageDeduplicationId'] ?? ''))).toBe(true);
  });
});

describe('an event that cannot be sent', () => {
  test('because it is one byte too long is blocked, with the sizes, and the others of its request go', async () => {
    const fits = outgoing({ id: 'fits', data: '' });
    const overhead = MAX_PUBLISH_BYTES - largestData(fits);
    const events = [
      outgoing({ id: 'fits', data: 'x'.repeat(MAX_PUBLISH_BYTES - overhead) }),
      outgoing({ id: 'long', data: 'x'.repeat(MAX_PUBLISH_BYTES - overhead + 1) }),
      outgoing({ id: 'tiny' }),
    ];
    const [first, second, third] = await openPublisher().publish(events, idle);
    expect([first, third]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }]);
    expect(second).toMatchObject({ outcome: 'blocked', reason: expect.stringContaining(`${MAX_PUBLISH_BYTES + 1} bytes`) as string });
    expect((await drain('raw')).map(({ body }) => (JSON.parse(body) as CloudEvent).id).toSorted()).toEqual(['fits', 'tiny']);
    await drainAll();
  });

  test('because its topic does not exist is blocked and names the topic; others go', async () => {
    const events = [outgoing({ id: 'a' }), outgoing({ id: 'b' }, 'missing'), outgoing({ id: 'c' })];
    const [first, second, third] = await openPublisher().publish(events, idle);
    expect([first, third]).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }]);
    expect(second).toMatchObject({ outcome: 'blocked', reason: expect.stringContaining(':missing') as string });
    await drainAll();
  });

  test('because nobody answers has failed and may go later', async () => {
    const [outcome] = await openPublisher({ ...broker.aws, endpoint: 'http://127.0.0.1:1' }).publish([outgoing()], idle);
    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('ECONNREFUSED') as string });
  });

  test('because the environment stops has failed, and nothing is sent', async () => {
    const [outcome] = await openPublisher().publish([outgoing()], AbortSignal.abort());
    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(await drain('raw')).toEqual([]);
  });
});

test('ten events that are together too long for one request are sent in several, each short enough, and all arrive', async () => {
  const sizes: number[] = [];
  const options = await startBrokerProxy(broker.aws, ({ text, forward }) => {
    sizes.push([...new URLSearchParams(text)].reduce((sum, [name, value]) => sum + (/Message$|Value$/.test(name) ? value.length : 0), 0));
    return forward();
  });
  const events = Array.from({ length: 10 }, (_, index) => outgoing({ id: `e-${index}`, data: 'x'.repeat(100_000) }));
  expect(await openPublisher(options).publish(events, idle)).toEqual(events.map(() => ({ outcome: 'sent' })));
  expect(sizes).toHaveLength(5);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PUBLISH_BYTES);
  expect(await drain('raw')).toHaveLength(10);
  await drainAll();
});

describe('a request of which a part is refused', () => {
  test('has an outcome of its own for each event', async () => {
    const options = await startBrokerProxy(broker.aws, async ({ forward }) => {
      const answer = await forward();
      const failed = (id: number, code: string): string => `<member><Id>${id}</Id><Code>${code}</Code><Message>no</Message></member>`;
      const text = answer.text.replace(
        '<Failed></Failed>',
        `<Failed>${failed(0, 'InternalError')}${failed(2, 'InvalidParameter')}</Failed>`,
      );
      return { ...answer, text };
    });
    const outcomes = await openPublisher(options).publish(
      ['a', 'b', 'c'].map((id) => outgoing({ id })),
      idle,
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['failed', 'sent', 'blocked']);
    expect(outcomes[2]).toMatchObject({ reason: expect.stringContaining('InvalidParameter: no') as string });
    await drainAll();
  });

  test('as a whole, because of one event, sends the others without it', async () => {
    const options = await startBrokerProxy(broker.aws, ({ text, forward }) => {
      const isRefused = [...new URLSearchParams(text).values()].includes('poison');
      const error = '<Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>bad attribute</Message></Error>';
      const refusal = { status: 400, contentType: 'text/xml', text: `<ErrorResponse>${error}</ErrorResponse>` };
      return isRefused ? Promise.resolve(refusal) : forward();
    });
    const outcomes = await openPublisher(options).publish(
      ['a', 'poison', 'c'].map((id) => outgoing({ id })),
      idle,
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['sent', 'blocked', 'sent']);
    expect((await drain('raw')).map(({ body }) => (JSON.parse(body) as CloudEvent).id).toSorted()).toEqual(['a', 'c']);
    await drainAll();
  });
});

/** How long the data of an event may be so that the message is exactly as long as SNS takes, worked out from the parts that are sent. */
function largestData({ event }: OutgoingEvent): number {
  const attributes = ['content-type', 'application/cloudevents+json', 'ce_id', event.id, 'ce_source', event.source, 'ce_type', event.type];
  const types = 'String'.length * (attributes.length / 2);
  return MAX_PUBLISH_BYTES - JSON.stringify(event).length - attributes.join('').length - types;
}
