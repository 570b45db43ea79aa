/** The shapes of messages that AWS services put on a queue. Each reader answers undefined for a body that is something else. */
import type { CloudEvent, JsonValue } from '@tradewind/protocol';
import { z } from 'zod';

const instant = z.iso.datetime({ offset: true });

const snsEnvelopeSchema = z.object({
  Type: z.literal('Notification'),
  MessageId: z.string().min(1).max(512),
  TopicArn: z.string().min(1).max(1_024),
  Message: z.string(),
  Subject: z.string().max(1_024).nullish(),
  Timestamp: instant.optional(),
  MessageAttributes: z.record(z.string(), z.object({ Value: z.string() })).optional(),
});

/** What SNS wraps a message in, unless the subscription asks for raw delivery. */
export type SnsEnvelope = z.infer<typeof snsEnvelopeSchema>;

/** Reads an SNS envelope. */
export function readSnsEnvelope(body: unknown): SnsEnvelope | undefined {
  return snsEnvelopeSchema.safeParse(body).data;
}

const eventBridgeSchema = z.object({
  id: z.string().min(1).max(512),
  'detail-type': z.string().min(1).max(512),
  source: z.string().min(1).max(1_024),
  detail: z.unknown(),
  time: instant.optional(),
  'replay-name': z.string().optional(),
});

/**
 * Reads an EventBridge event. Its id is EventBridge's own and stays the same over deliveries, so it is the identity; a replay from an archive
 * repeats the id, and its name sets it apart.
 */
export function readEventBridge(body: unknown): (Omit<CloudEvent, 'specversion'> & { readonly key: readonly string[] }) | undefined {
  const { data: found } = eventBridgeSchema.safeParse(body);
  if (found?.detail === undefined) return undefined;
  const { id, source, detail, time } = found;
  return {
    key: ['eventbridge', source, id, found['replay-name'] ?? ''],
    id,
    source,
    type: found['detail-type'],
    ...(time === undefined ? {} : { time }),
    data: detail as JsonValue,
  };
}

const s3NotificationSchema = z.object({
  Records: z
    .array(
      z.object({
        eventSource: z.literal('aws:s3'),
        eventTime: instant.optional(),
        s3: z.object({ bucket: z.object({ name: z.string().min(1).max(1_000) }) }),
      }),
    )
    .min(1),
});

/** Reads an S3 notification. All records of a message stay together: they are the data of one event. */
export function readS3Notification(body: unknown): Pick<CloudEvent, 'type' | 'source' | 'time'> | undefined {
  const [first] = s3NotificationSchema.safeParse(body).data?.Records ?? [];
  if (first === undefined) return undefined;
  return {
    type: 'com.amazonaws.s3.notification',
    source: `s3:${first.s3.bucket.name}`,
    ...(first.eventTime === undefined ? {} : { time: first.eventTime }),
  };
}

const s3TestEventSchema = z.object({ Service: z.literal('Amazon S3'), Event: z.literal('s3:TestEvent') });
const snsControlSchema = z.object({ Type: z.enum(['SubscriptionConfirmation', 'UnsubscribeConfirmation']), TopicArn: z.string() });

/** Why a message is the broker talking about itself and not an event; undefined for every other message. */
export function reasonToIgnore(body: unknown): string | undefined {
  if (s3TestEventSchema.safeParse(body).success) return 'S3 sent it to test the notification (s3:TestEvent)';
  const { data: control } = snsControlSchema.safeParse(body);
  if (control === undefined) return undefined;
  if (control.Type === 'UnsubscribeConfirmation') return `SNS says that the topic ${control.TopicArn} no longer sends here`;
  return `SNS asks to confirm the subscription to ${control.TopicArn}: open the SubscribeURL in the body`;
}
