import { z } from 'zod';
import type { CallbackChildMessage } from '../callback.ts';
import { MAX_FAILURE_DETAIL_LENGTH } from '../execution.ts';
import { MAX_VALUE_BYTES } from '../json.ts';
import { LOG_LEVELS, MAX_LOG_LINE_BYTES, type LogRecord } from '../log-record.ts';
import type { TriggerChildMessage } from '../trigger-messages.ts';

const callbackId = z.string().min(1).max(2_000);
const triggerId = z.int().min(1).max(2_147_483_647);
const text = z.string().max(MAX_FAILURE_DETAIL_LENGTH);
const ready = z.strictObject({ type: z.literal('ready'), protocolVersion: z.int(), pid: z.int().positive() });
const record = z
  .looseObject({
    timestamp: z.string().max(64),
    level: z.enum(LOG_LEVELS),
    event: z.string().max(MAX_LOG_LINE_BYTES),
    logger: z.string().max(250),
  })
  .transform((fields) => fields as LogRecord);
const eventJson = z
  .string()
  .max(MAX_VALUE_BYTES)
  .refine((candidate) => isJson(candidate), 'is not JSON');

/** What a triggerer accepts from a trigger child. */
export const triggerChildMessageSchema: z.ZodType<TriggerChildMessage> = z.discriminatedUnion('type', [
  ready,
  z.strictObject({ type: z.literal('pong'), number: z.int().min(0) }),
  z.strictObject({
    type: z.literal('fired'),
    triggerId,
    event: z.discriminatedUnion('ok', [
      z.strictObject({ ok: z.literal(true), json: eventJson }),
      z.strictObject({ ok: z.literal(false), message: text }),
    ]),
  }),
  z.strictObject({ type: z.literal('log'), triggerId, record }),
  z.strictObject({ type: z.literal('blocked'), triggerId: triggerId.exactOptional(), blockedMs: z.number().min(0) }),
  z.strictObject({ type: z.literal('dying'), triggerId, message: text }),
]);

/** What a triggerer accepts from a callback child. */
export const callbackChildMessageSchema: z.ZodType<CallbackChildMessage> = z.discriminatedUnion('type', [
  ready,
  z.strictObject({ type: z.literal('log'), callbackId, record }),
  z.strictObject({
    type: z.literal('called'),
    callbackId,
    failures: z.array(z.strictObject({ place: z.int().min(0), message: text, detail: text.exactOptional() })).max(1_000),
    problem: text.exactOptional(),
  }),
]);

function isJson(candidate: string): boolean {
  try {
    JSON.parse(candidate);
    return true;
  } catch {
    return false;
  }
}
