/**
 * The binding of CloudEvents to SNS (adr/0008): the message is the event in structured JSON; the attributes repeat what a subscription's filter policy
 * may want, never more than SNS delivers. FIFO topics get a group and a deduplication id, both functions of the event.
 */
import { createHash } from 'node:crypto';
import type * as SnsSdk from '@aws-sdk/client-sns';
import type { MessageAttributeValue, PublishBatchRequestEntry, SNSClient } from '@aws-sdk/client-sns';
import { CLOUD_EVENT_MEDIA_TYPE, type CloudEvent } from '@tradewind/protocol';
import type { EventPublisher, OutgoingEvent, PublishOutcome } from '../publisher.ts';
import { meaningOfName, translateAwsError } from './aws-errors.ts';
import { clientConfig, topicArn, type AwsOptions } from './aws-options.ts';

/** SNS's limit for a message, and for all messages of one request together, attributes included. */
export const MAX_PUBLISH_BYTES = 262_144;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_SOCKETS = 50;
/** What a group id may be (SNS API reference, Publish). */
const GROUP_ID = /^[\x21-\x7e]{1,128}$/;
/** Characters that JSON may carry as they are and SQS refuses (it takes XML's characters only); the delivery would fail where nobody sees it. */
const REFUSED_BY_SQS = /[\uFFFE\uFFFF]/g;

interface Entry {
  /** Place in the list of events. */
  readonly index: number;
  readonly arn: string;
  readonly bytes: number;
  readonly request: PublishBatchRequestEntry;
}

interface Sns {
  readonly sdk: typeof SnsSdk;
  /** A topic is published to in its own region. */
  client(arn: string): SNSClient;
  close(): void;
}

/**
 * A publisher for SNS topics, named in the environment's own account and region or by ARN. The SDK is loaded with the first event.
 *
 * An event that is longer than 256 KiB as a message is `blocked` and never sent in part; so are events for a topic that is missing or closed to us.
 */
export function createSnsPublisher(options: AwsOptions): EventPublisher {
  let loading: Promise<Sns> | undefined;

  const send = async (arn: string, entries: readonly Entry[], signal: AbortSignal): Promise<readonly PublishOutcome[]> => {
    try {
      const sns = await (loading ??= load(options));
      const command = new sns.sdk.PublishBatchCommand({ TopicArn: arn, PublishBatchRequestEntries: entries.map(({ request }) => request) });
      const { Failed } = await sns.client(arn).send(command, { abortSignal: signal });
      const failures = new Map((Failed ?? []).map(({ Id, Code, Message }) => [Id, refusal(Code, Message)]));
      return entries.map(({ request }) => failures.get(request.Id) ?? { outcome: 'sent' });
    } catch (error) {
      const { code, message } = translateAwsError(error, `events cannot be published to ${arn}`);
      // One event may be at fault for the whole request: alone, it fails alone.
      if (code === 'bad_configuration' && entries.length > 1)
        return (await Promise.all(entries.map((entry) => send(arn, [entry], signal)))).flat();
      return entries.map(() => ({ outcome: code === 'broker_unavailable' ? 'failed' : 'blocked', reason: message }));
    }
  };

  return {
    async publish(events, signal) {
      const entries = events.map((event, index) => toEntry(event, index, options));
      const outcomes = new Map(entries.filter(isTooLong).map((entry) => [entry.index, tooLong(entry)]));
      for (const request of packRequests(entries.filter((entry) => !isTooLong(entry)))) {
        const results = await send(request.arn, request.entries, signal);
        for (const [position, { index }] of request.entries.entries()) outcomes.set(index, results[position] ?? UNKNOWN);
      }
      return events.map((_, index) => outcomes.get(index) ?? UNKNOWN);
    },
    close() {
      void loading?.then(
        (sns) => {
          sns.close();
        },
        () => {
          // Nothing was opened.
        },
      );
    },
  };
}

const UNKNOWN: PublishOutcome = { outcome: 'failed', reason: 'nothing is known about the event' };

async function load(options: AwsOptions): Promise<Sns> {
  const sdk = await import('@aws-sdk/client-sns');
  const clients = new Map<string, SNSClient>();
  return {
    sdk,
    client(arn) {
      const region = arn.split(':')[3] ?? options.region;
      const client =
        clients.get(region) ??
        new sdk.SNSClient(clientConfig({ ...options, region }, { requestTimeoutMs: REQUEST_TIMEOUT_MS, maxSockets: MAX_SOCKETS }));
      clients.set(region, client);
      return client;
    },
    close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

function toEntry({ target, event }: OutgoingEvent, index: number, options: AwsOptions): Entry {
  const arn = topicArn(target.topic, options);
  const message = JSON.stringify(event).replaceAll(REFUSED_BY_SQS, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
  const attributes = attributesOf(event);
  const request = {
    Id: String(index),
    Message: message,
    MessageAttributes: attributes,
    ...(arn.endsWith('.fifo') ? fifoFields(event) : {}),
  };
  return { index, arn, bytes: byteLength(message, attributes), request };
}

/** Five at most, so a subscription's own additions stay far below `MAX_MESSAGE_ATTRIBUTES`. */
function attributesOf(event: CloudEvent): Record<string, MessageAttributeValue> {
  const values = {
    'content-type': CLOUD_EVENT_MEDIA_TYPE,
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]));
}

function fifoFields({ source, id, subject }: CloudEvent): Pick<PublishBatchRequestEntry, 'MessageGroupId' | 'MessageDeduplicationId'> {
  const group = subject ?? source;
  return { MessageGroupId: GROUP_ID.test(group) ? group : sha256Hex(group), MessageDeduplicationId: sha256Hex(`${source}\n${id}`) };
}

function byteLength(message: string, attributes: Record<string, MessageAttributeValue>): number {
  const parts = Object.entries(attributes).flatMap(([name, { DataType, StringValue }]) => [name, DataType ?? '', StringValue ?? '']);
  return [message, ...parts].reduce((sum, part) => sum + Buffer.byteLength(part), 0);
}

function isTooLong({ bytes }: Entry): boolean {
  return bytes > MAX_PUBLISH_BYTES;
}

function tooLong({ bytes }: Entry): PublishOutcome {
  const advice = 'Put the data in a store, emit where it is, and emit again';
  return { outcome: 'blocked', reason: `the event is ${bytes} bytes as a message, and SNS takes at most ${MAX_PUBLISH_BYTES}. ${advice}.` };
}

/** Requests of one topic each, none longer than SNS takes. The order within a topic is kept. */
function packRequests(entries: readonly Entry[]): readonly { readonly arn: string; readonly entries: readonly Entry[] }[] {
  return [...Map.groupBy(entries, ({ arn }) => arn)].flatMap(([arn, ofTopic]) => {
    const requests: Entry[][] = [];
    let roomLeft = 0;
    for (const entry of ofTopic) {
      if (entry.bytes > roomLeft) {
        requests.push([]);
        roomLeft = MAX_PUBLISH_BYTES;
      }
      requests.at(-1)?.push(entry);
      roomLeft -= entry.bytes;
    }
    return requests.map((packed) => ({ arn, entries: packed }));
  });
}

function refusal(code: string | undefined, message: string | undefined): PublishOutcome {
  const reason = `SNS refused the event: ${code ?? 'no code'}: ${message ?? 'no reason given'}`;
  return { outcome: meaningOfName(code ?? '') === 'broker_unavailable' ? 'failed' : 'blocked', reason };
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
