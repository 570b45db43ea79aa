import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES, normaliseMessage, type NormalisedMessage } from './normalise-message.ts';
import type { ReceivedMessage } from './source.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';

const CLOUD_EVENT = {
  specversion: '1.0',
  id: 'e-1',
  source: '/tradewind/sales/orders',
  type: 'orders.completed',
  time: '2026-03-01T10:00:00Z',
  data: { total: 3 },
};

function messageOf(body: unknown, changes: Partial<ReceivedMessage> = {}): ReceivedMessage {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { messageId: 'm-1', receipt: 'r-1', body: text, attributes: {}, systemAttributes: {}, ...changes };
}

function envelopeOf(message: unknown, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Type: 'Notification',
    MessageId: 'sns-1',
    TopicArn: 'arn:aws:sns:eu-central-1:111122223333:orders',
    Message: typeof message === 'string' ? message : JSON.stringify(message),
    Timestamp: '2026-03-01T09:00:00.000Z',
    ...changes,
  };
}

const normalise = (body: unknown, changes: Partial<ReceivedMessage> = {}): NormalisedMessage =>
  normaliseMessage(messageOf(body, changes), 'orders-queue');

/** The event of a message that must be one. */
function eventOf(body: unknown, changes: Partial<ReceivedMessage> = {}) {
  const normalised = normalise(body, changes);
  if (normalised.kind !== 'event') throw new Error(`expected an event, got ${JSON.stringify(normalised)}`);
  return normalised.event;
}

function reasonOf(body: unknown, changes: Partial<ReceivedMessage> = {}): string {
  const normalised = normalise(body, changes);
  if (normalised.kind !== 'malformed') throw new Error(`expected a malformed message, got ${JSON.stringify(normalised)}`);
  return normalised.reason;
}

const keyOf = (body: unknown, changes: Partial<ReceivedMessage> = {}): string => normalise(body, changes).dedupeKey;

describe('what a message is', () => {
  test('a CloudEvent is itself, with or without attributes', () => {
    expect(eventOf(CLOUD_EVENT)).toEqual(CLOUD_EVENT);
    expect(eventOf(CLOUD_EVENT, { attributes: { 'content-type': 'application/cloudevents+json' } })).toEqual(CLOUD_EVENT);
  });

  test('attributes never override what the body says', () => {
    const attributes = { 'content-type': 'text/plain', ce_specversion: '1.0', ce_id: 'other', ce_source: 'other', ce_type: 'other' };
    expect(eventOf(CLOUD_EVENT, { attributes })).toEqual(CLOUD_EVENT);
  });

  test('a CloudEvent inside an SNS envelope is unwrapped', () => {
    expect(eventOf(envelopeOf(CLOUD_EVENT))).toEqual(CLOUD_EVENT);
  });

  test('plain JSON inside an SNS envelope, as Airflow publishes it, is a notification of the topic', () => {
    expect(eventOf(envelopeOf({ status: 'done' }, { Subject: 'nightly' }))).toEqual({
      specversion: '1.0',
      id: 'sns-1',
      source: 'arn:aws:sns:eu-central-1:111122223333:orders',
      type: 'com.amazonaws.sns.notification',
      time: '2026-03-01T09:00:00.000Z',
      subject: 'nightly',
      data: { status: 'done' },
    });
  });

  test('an envelope inside an envelope is data of the outer one', () => {
    expect(eventOf(envelopeOf(envelopeOf(CLOUD_EVENT, { MessageId: 'inner' })))).toMatchObject({
      id: 'sns-1',
      data: { MessageId: 'inner' },
    });
  });

  test('the attributes of an enveloped message are those in the envelope', () => {
    const MessageAttributes = {
      ce_specversion: { Type: 'String', Value: '1.0' },
      ce_id: { Type: 'String', Value: 'b-1' },
      ce_source: { Type: 'String', Value: '/other' },
      ce_type: { Type: 'String', Value: 'binary.mode' },
    };
    expect(eventOf(envelopeOf('{"a":1}', { MessageAttributes }))).toEqual({
      specversion: '1.0',
      id: 'b-1',
      source: '/other',
      type: 'binary.mode',
      data: { a: 1 },
    });
  });

  test('a binary CloudEvent is described by its attributes, and its body is the data', () => {
    const attributes = { 'ce-specversion': '1.0', 'ce-id': 'b-1', 'ce-source': '/other', 'ce-type': 'binary.mode', traceparent: 'ignored' };
    expect(eventOf('plain text', { attributes })).toEqual({
      specversion: '1.0',
      id: 'b-1',
      source: '/other',
      type: 'binary.mode',
      data: 'plain text',
    });
  });

  test('an EventBridge event has the type of its detail-type', () => {
    const body = {
      version: '0',
      id: 'eb-1',
      'detail-type': 'Object Created',
      source: 'aws.s3',
      time: '2026-03-01T08:00:00Z',
      detail: { key: 'a.csv' },
    };
    expect(eventOf(body)).toEqual({
      specversion: '1.0',
      id: 'eb-1',
      source: 'aws.s3',
      type: 'Object Created',
      time: '2026-03-01T08:00:00Z',
      data: { key: 'a.csv' },
    });
  });

  test('an S3 notification keeps all of its records as the data of one event', () => {
    const Records = ['a.csv', 'b.csv'].map((key) => ({
      eventSource: 'aws:s3',
      eventTime: '2026-03-01T07:00:00.000Z',
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'landing' }, object: { key } },
    }));
    expect(eventOf({ Records })).toEqual({
      specversion: '1.0',
      id: 'm-1',
      source: 's3:landing',
      type: 'com.amazonaws.s3.notification',
      time: '2026-03-01T07:00:00.000Z',
      data: { Records },
    });
    expect(eventOf(envelopeOf({ Records }))).toMatchObject({ type: 'com.amazonaws.s3.notification', id: 'sns-1' });
  });

  test.each([
    ['a JSON object', '{"status":"done"}', { status: 'done' }],
    ['a JSON list', '[1,2]', [1, 2]],
    ['text', 'done', 'done'],
    ['the JSON of a number', '42', '42'],
    ['text that looks like the start of JSON', '{not json', '{not json'],
    ['nothing', '', ''],
  ])('%s is a message of the queue', (_what, body, data) => {
    expect(eventOf(body, { systemAttributes: { SentTimestamp: '1772323200000' } })).toEqual({
      specversion: '1.0',
      id: 'm-1',
      source: 'sqs:orders-queue',
      type: 'com.amazonaws.sqs.message',
      time: '2026-03-01T00:00:00.000Z',
      data,
    });
  });

  test('an attribute of a CloudEvent that is null counts as absent', () => {
    expect(eventOf({ ...CLOUD_EVENT, subject: null, data: null })).toEqual({ ...CLOUD_EVENT, data: null });
  });

  test('a key that could replace a prototype does not get into the data', () => {
    const { data } = eventOf('{"__proto__":{"isAdmin":true},"a":1}');
    expect(data).toEqual({ a: 1 });
    expect((data as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});

describe('what the broker says about itself is recorded and is no event', () => {
  test.each([
    [{ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'landing' }, 's3:TestEvent'],
    [envelopeOf({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'landing' }), 's3:TestEvent'],
    [{ Type: 'SubscriptionConfirmation', TopicArn: 'arn:topic', SubscribeURL: 'https://…' }, 'SubscribeURL'],
    [{ Type: 'UnsubscribeConfirmation', TopicArn: 'arn:topic' }, 'no longer sends'],
  ])('%j', (body, reason) => {
    expect(normalise(body)).toMatchObject({ kind: 'ignored', reason: expect.stringContaining(reason) as string });
  });
});

describe('a message is malformed and names the reason', () => {
  const claimed = { attributes: { 'content-type': 'application/cloudevents+json; charset=utf-8' } };

  test.each([
    ['without a type', { ...CLOUD_EVENT, type: undefined }, '$.type'],
    ['with a number for its id', { ...CLOUD_EVENT, id: 7 }, '$.id'],
    ['with a time that is none', { ...CLOUD_EVENT, time: 'yesterday' }, '$.time'],
    ['of another version', { ...CLOUD_EVENT, specversion: '0.3' }, '$.specversion'],
    ['inside an envelope', envelopeOf({ ...CLOUD_EVENT, id: '' }), '$.id'],
    ['with binary data', { ...CLOUD_EVENT, data: undefined, data_base64: 'AAAA' }, '$.data_base64'],
  ])('where the body is a CloudEvent %s', (_what, body, reason) => {
    expect(reasonOf(body)).toContain(reason);
  });

  test('where the attribute promises a CloudEvent and the body is none', () => {
    expect(reasonOf('{"total":3}', claimed)).toContain('$.specversion');
    expect(reasonOf('not json', claimed)).toContain('not one JSON object');
    expect(reasonOf([CLOUD_EVENT], { attributes: { 'content-type': 'application/cloudevents-batch+json' } })).toContain(
      'not one JSON object',
    );
  });

  test('where binary attributes are incomplete', () => {
    expect(reasonOf('x', { attributes: { ce_specversion: '1.0', ce_id: 'b-1' } })).toContain('$.source');
  });

  test('where the body passes the limit by one byte, counted in bytes', () => {
    expect(normalise('é'.repeat(MAX_BODY_BYTES / 2)).kind).toBe('event');
    expect(reasonOf(`${'é'.repeat(MAX_BODY_BYTES / 2)}x`)).toContain(`${MAX_BODY_BYTES + 1} bytes`);
  });

  test('where the JSON is nested too deep, and only then', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(normalise(nested(200)).kind).toBe('event');
    expect(reasonOf(nested(201))).toContain('200 levels');
    expect(reasonOf(nested(500_000))).toContain('200 levels');
    expect(normalise(`{"text":"\\"${'['.repeat(10_000)}"}`).kind).toBe('event');
  });
});

describe('the dedupe key', () => {
  test('is 64 hex digits', () => {
    expect(keyOf('x')).toMatch(/^[0-9a-f]{64}$/);
  });

  test('of a CloudEvent is its source and id, however it was delivered', () => {
    const key = keyOf(CLOUD_EVENT);
    expect(keyOf(envelopeOf(CLOUD_EVENT), { messageId: 'm-2' })).toBe(key);
    expect(keyOf({ ...CLOUD_EVENT, data: 'other' }, { systemAttributes: { MessageDeduplicationId: 'd' } })).toBe(key);
    expect(keyOf({ ...CLOUD_EVENT, id: 'e-2' })).not.toBe(key);
    expect(keyOf({ ...CLOUD_EVENT, source: '/other' })).not.toBe(key);
  });

  test('keeps source and id apart', () => {
    expect(keyOf({ ...CLOUD_EVENT, source: 'a', id: 'b\nc' })).not.toBe(keyOf({ ...CLOUD_EVENT, source: 'a\nb', id: 'c' }));
  });

  test('of an enveloped message is the MessageId of SNS, whatever SQS calls it', () => {
    const key = keyOf(envelopeOf('x'));
    expect(keyOf(envelopeOf('x'), { messageId: 'm-2', systemAttributes: { MessageDeduplicationId: 'd' } })).toBe(key);
    expect(keyOf(envelopeOf('x', { MessageId: 'sns-2' }))).not.toBe(key);
  });

  test('of a FIFO message is the deduplication id that its sender chose', () => {
    const systemAttributes = { MessageDeduplicationId: 'order-7' };
    expect(keyOf('x', { systemAttributes })).toBe(keyOf('y', { systemAttributes, messageId: 'm-2' }));
  });

  test('of a FIFO message whose deduplication id is only the hash of its body is the message id: equal bodies are not the same happening', () => {
    const body = '{"status":"done"}';
    const systemAttributes = { MessageDeduplicationId: createHash('sha256').update(body).digest('hex') };
    expect(keyOf(body, { systemAttributes })).toBe(keyOf(body));
    expect(keyOf(body, { systemAttributes })).not.toBe(keyOf(body, { systemAttributes, messageId: 'm-2' }));
  });

  test('of any other message is its message id', () => {
    expect(keyOf('x')).toBe(keyOf('y'));
    expect(keyOf('x')).not.toBe(keyOf('x', { messageId: 'm-2' }));
  });

  test('of an EventBridge event is its own id, and a replay from an archive counts anew', () => {
    const body = { id: 'eb-1', 'detail-type': 't', source: 's', detail: {} };
    expect(keyOf(body)).toBe(keyOf(body, { messageId: 'm-2' }));
    expect(keyOf(body)).not.toBe(keyOf({ ...body, 'replay-name': 'again' }));
  });

  test('of a malformed message is what the broker knows it by', () => {
    expect(keyOf({ specversion: '1.0' })).toBe(keyOf('x'));
    expect(keyOf(envelopeOf({ specversion: '1.0' }))).toBe(keyOf(envelopeOf('x')));
  });
});

test('whatever text is sent, a message is understood or malformed and nothing is thrown', () => {
  const random = createSeededRandom(1);
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\u0000',
    '\ud800',
    'é',
    '1',
    'null',
    '"specversion":"1.0"',
    '"Records":[{}]',
    ' ',
  ];
  for (let round = 0; round < 5_000; round += 1) {
    const length = Math.floor(random.fraction() * 12);
    const body = Array.from({ length }, () => pieces[Math.floor(random.fraction() * pieces.length)]).join('');
    expect(['event', 'malformed', 'ignored']).toContain(normalise(body).kind);
  }
});
