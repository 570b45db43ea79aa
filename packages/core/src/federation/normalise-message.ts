/**
 * Turns whatever arrives on a queue into a CloudEvent. What a message is, is decided in this order (reference: adr/0008):
 *
 * | body                                          | type of the event                 | source               | id                 |
 * | --------------------------------------------- | --------------------------------- | -------------------- | ------------------ |
 * | CloudEvent, structured (`specversion` inside) | its own                           | its own              | its own            |
 * | SNS envelope                                  | that of the message inside, or    | or the topic's ARN   | or SNS MessageId   |
 * |                                               | `com.amazonaws.sns.notification`  |                      |                    |
 * | CloudEvent, binary (attribute `ce_specversion`) | its own                         | its own              | its own            |
 * | EventBridge event                             | its `detail-type`                 | its `source`         | its `id`           |
 * | S3 notification (`Records`)                   | `com.amazonaws.s3.notification`   | `s3:` + bucket       | the broker's       |
 * | any other JSON object or list, or text        | `com.amazonaws.sqs.message`       | `sqs:` + subscription | SQS MessageId     |
 *
 * Attributes are hints; the body is the authority. Airflow's `SnsHook` sends plain JSON without attributes, so that is an event like any other.
 */
import { createHash } from 'node:crypto';
import { CLOUD_EVENT_MEDIA_TYPE, decodeJson, type CloudEvent, type JsonObject, type JsonValue } from '@tradewind/protocol';
import { cloudEventSchema } from '@tradewind/protocol/schemas';
import { readEventBridge, readS3Notification, readSnsEnvelope, reasonToIgnore, type SnsEnvelope } from './foreign-formats.ts';
import type { ReceivedMessage } from './source.ts';

/** A message understood, or the reason why it cannot be. Equal dedupe keys mean the same happening. */
export type NormalisedMessage =
  | { readonly kind: 'event'; readonly dedupeKey: string; readonly event: CloudEvent }
  /** Well-formed, and about the broker itself: recorded, and never an event of an asset. */
  | { readonly kind: 'ignored'; readonly dedupeKey: string; readonly event: CloudEvent; readonly reason: string }
  | { readonly kind: 'malformed'; readonly dedupeKey: string; readonly reason: string };

/** The longest body that is read (SQS's own limit, and the largest value that the store keeps inline). */
export const MAX_BODY_BYTES = 1_048_576;
/** Deeper JSON would exhaust the stack of whoever walks it next; values of tasks have the same limit. */
const MAX_NESTING = 200;
const BINARY_ATTRIBUTE = /^ce[_-]([a-z0-9]+)$/;

/** What is known about a body from around it: the identity and the description of an event that brings none of its own. */
interface Surroundings {
  readonly key: readonly string[];
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time?: string;
  readonly subject?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly isEnveloped: boolean;
}

/**
 * Reads a message. Pure; never throws for anything that a sender can write.
 * @param subscription names the queue in the source of events that name none
 */
export function normaliseMessage(message: ReceivedMessage, subscription: string): NormalisedMessage {
  return readBody(message.body, surroundingsOf(message, subscription));
}

function surroundingsOf(message: ReceivedMessage, subscription: string): Surroundings {
  const { messageId, attributes, systemAttributes } = message;
  const sentAt = Number(systemAttributes['SentTimestamp'] ?? Number.NaN);
  return {
    key: brokerKey(message),
    id: messageId,
    source: `sqs:${subscription}`,
    type: 'com.amazonaws.sqs.message',
    ...(sentAt > 0 && sentAt < 8.64e15 ? { time: new Date(sentAt).toISOString() } : {}),
    attributes,
    isEnveloped: false,
  };
}

/**
 * A deduplication id that is the body's own hash says only that two bodies are equal: yesterday's `{"status":"done"}` is not today's, so it does not
 * count as an identity (AWS: content-based deduplication uses SHA-256 of the body, for five minutes).
 */
function brokerKey({ messageId, body, systemAttributes }: ReceivedMessage): readonly string[] {
  const deduplicationId = systemAttributes['MessageDeduplicationId'];
  const isChosen = deduplicationId !== undefined && deduplicationId !== sha256Hex(body);
  return isChosen ? ['fifo', deduplicationId] : ['sqs', messageId];
}

function readBody(text: string, around: Surroundings): NormalisedMessage {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BODY_BYTES) return malformed(around, `the body is ${bytes} bytes; at most ${MAX_BODY_BYTES} are read`);
  const value = parseJson(text);
  if (value === 'too deep') return malformed(around, `the body is JSON nested more than ${MAX_NESTING} levels deep`);
  const object = isObject(value) ? value : undefined;
  if (object !== undefined && Object.hasOwn(object, 'specversion')) return readCloudEvent(object, around);
  const envelope = around.isEnveloped ? undefined : readSnsEnvelope(object);
  if (envelope !== undefined) return readBody(envelope.Message, insideEnvelope(envelope));
  if (claimsCloudEvent(around.attributes)) return readClaimedCloudEvent(object, around);
  if (isBinaryCloudEvent(around.attributes)) return readBinaryCloudEvent(value ?? text, around);
  return readForeign(value, text, around);
}

/** The parsed value where the text is a JSON object or list; anything else is text, also the JSON of a lone number. */
function parseJson(text: string): JsonObject | readonly JsonValue[] | 'too deep' | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  if (nestingOf(text) > MAX_NESTING) return 'too deep';
  try {
    return decodeJson(text) as JsonObject | readonly JsonValue[];
  } catch {
    // Not JSON after all: that is what the caller asks.
    return undefined;
  }
}

/** How deep the brackets of a text nest, those inside JSON strings left out. One pass, whatever the text is. */
function nestingOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (isInString) {
      if (character === '\\') index += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, (depth += 1));
    else if (character === ']' || character === '}') depth -= 1;
  }
  return deepest;
}

function insideEnvelope(envelope: SnsEnvelope): Surroundings {
  return {
    key: ['sns', envelope.MessageId],
    id: envelope.MessageId,
    source: envelope.TopicArn,
    type: 'com.amazonaws.sns.notification',
    ...(envelope.Timestamp === undefined ? {} : { time: envelope.Timestamp }),
    ...(typeof envelope.Subject === 'string' ? { subject: envelope.Subject } : {}),
    attributes: Object.fromEntries(Object.entries(envelope.MessageAttributes ?? {}).map(([name, { Value }]) => [name, Value])),
    isEnveloped: true,
  };
}

function claimsCloudEvent(attributes: Readonly<Record<string, string>>): boolean {
  const contentType = attributes['content-type'] ?? '';
  return contentType.trim().toLowerCase().startsWith('application/cloudevents');
}

/** The attribute promises a CloudEvent and the body has no `specversion`: say what is wrong with the body. */
function readClaimedCloudEvent(object: JsonObject | undefined, around: Surroundings): NormalisedMessage {
  if (object !== undefined) return readCloudEvent(object, around);
  return malformed(around, `the attribute content-type promises ${CLOUD_EVENT_MEDIA_TYPE}, but the body is not one JSON object`);
}

function readCloudEvent(object: JsonObject, around: Surroundings): NormalisedMessage {
  const { data, ...attributes } = object;
  if (Object.hasOwn(object, 'data_base64') && data === undefined) {
    return malformed(around, '$.data_base64: binary data cannot become params; send the data as JSON in $.data');
  }
  // CloudEvents JSON format 1.0.2 §2.2: an attribute that is null counts as absent.
  const present = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
  const parsed = cloudEventSchema.safeParse(present);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `$.${path.join('.')}: ${message}`);
    return malformed(around, `the body is not a valid CloudEvent: ${problems.join('; ')}`);
  }
  // The data came out of a JSON parser, so it needs no second walk.
  const event: CloudEvent = data === undefined ? parsed.data : { ...parsed.data, data };
  return { kind: 'event', dedupeKey: dedupeKey(['cloudevent', event.source, event.id]), event };
}

function isBinaryCloudEvent(attributes: Readonly<Record<string, string>>): boolean {
  return Object.hasOwn(attributes, 'ce_specversion') || Object.hasOwn(attributes, 'ce-specversion');
}

/** Binary mode: the attributes describe the event and the whole body is its data. */
function readBinaryCloudEvent(data: JsonValue, around: Surroundings): NormalisedMessage {
  const described = Object.entries(around.attributes).flatMap(([name, value]) => {
    const [, attribute] = BINARY_ATTRIBUTE.exec(name) ?? [];
    return attribute === undefined ? [] : [[attribute, value] as const];
  });
  return readCloudEvent({ ...Object.fromEntries(described), data }, around);
}

function readForeign(value: JsonValue | undefined, text: string, around: Surroundings): NormalisedMessage {
  const eventBridge = readEventBridge(value);
  if (eventBridge !== undefined) {
    const { key, ...described } = eventBridge;
    return { kind: 'event', dedupeKey: dedupeKey(key), event: { specversion: '1.0', ...described } };
  }
  const event = { ...plainEvent(around), data: value ?? text };
  const reason = reasonToIgnore(value);
  if (reason !== undefined) return { kind: 'ignored', dedupeKey: dedupeKey(around.key), event, reason };
  return { kind: 'event', dedupeKey: dedupeKey(around.key), event: { ...event, ...readS3Notification(value) } };
}

function plainEvent({ id, source, type, time, subject }: Surroundings): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source,
    type,
    ...(time === undefined ? {} : { time }),
    ...(subject === undefined ? {} : { subject }),
  };
}

function malformed(around: Surroundings, reason: string): NormalisedMessage {
  return { kind: 'malformed', dedupeKey: dedupeKey(around.key), reason };
}

/** The first part says which kind of identity it is, and JSON keeps the parts apart. */
function dedupeKey(parts: readonly string[]): string {
  return sha256Hex(JSON.stringify(parts));
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
