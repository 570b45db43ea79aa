import { z } from 'zod';
import {
  FAILURE_KINDS,
  MAX_EVENTS_PER_TRY,
  MAX_FAILURE_DETAIL_LENGTH,
  type AttemptReport,
  type ChildMessage,
  type ParseReply,
  type TryOutcome,
} from '../execution.ts';
import { isAssetName } from '../identifiers.ts';
import { MAX_VALUE_BYTES } from '../json.ts';

const attemptSchema = z.strictObject({ taskInstanceId: z.string().min(1).max(64), epoch: z.int().min(0) });
const jsonText = z
  .string()
  .max(MAX_VALUE_BYTES)
  .refine((text) => isJson(text), 'is not JSON');

const outcomeSchema: z.ZodType<TryOutcome> = z.discriminatedUnion('result', [
  z.strictObject({
    result: z.literal('success'),
    valueJson: jsonText,
    events: z.array(z.strictObject({ assetName: z.string().refine(isAssetName), extraJson: jsonText })).max(MAX_EVENTS_PER_TRY),
  }),
  z.strictObject({ result: z.literal('skipped'), reason: z.string().max(MAX_FAILURE_DETAIL_LENGTH) }),
  z.strictObject({
    result: z.literal('failed'),
    failure: z.strictObject({
      kind: z.enum(FAILURE_KINDS),
      message: z.string().max(MAX_FAILURE_DETAIL_LENGTH),
      detail: z.string().max(MAX_FAILURE_DETAIL_LENGTH).exactOptional(),
    }),
  }),
]);

/** What a supervisor accepts from a task child. */
export const childMessageSchema: z.ZodType<ChildMessage> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), protocolVersion: z.int(), pid: z.int().positive() }),
  z.strictObject({ type: z.literal('started'), attempt: attemptSchema, at: z.number().positive() }),
  z.strictObject({
    type: z.literal('ended'),
    attempt: attemptSchema,
    outcome: outcomeSchema,
    heapUsedBytes: z.number().min(0),
    leftBehind: z.string().max(MAX_FAILURE_DETAIL_LENGTH).exactOptional(),
  }),
]);

/** What an environment accepts from a worker. */
export const attemptReportSchema: z.ZodType<AttemptReport> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('started'),
    attempt: attemptSchema,
    at: z.number().positive(),
    pid: z.int().min(0),
    hostname: z.string().max(250),
  }),
  z.strictObject({ type: z.literal('ended'), attempt: attemptSchema, at: z.number().positive(), outcome: outcomeSchema }),
]);

const MAX_PATH_LENGTH = 4_096;
const MAX_MESSAGE_LENGTH = 16_384;

/** What the dag processor accepts from a parse child; the dags inside are checked one by one. */
export const parseReplySchema: z.ZodType<ParseReply> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('parsed'),
    dags: z.array(z.unknown()),
    files: z.array(z.string().max(MAX_PATH_LENGTH)),
    warnings: z.array(z.string().max(MAX_MESSAGE_LENGTH)),
  }),
  z.strictObject({
    type: z.literal('failed'),
    error: z.strictObject({
      message: z.string().max(MAX_MESSAGE_LENGTH),
      file: z.string().max(MAX_PATH_LENGTH).exactOptional(),
      line: z.int().positive().exactOptional(),
      column: z.int().positive().exactOptional(),
      excerpt: z.string().max(MAX_MESSAGE_LENGTH).exactOptional(),
      stack: z.string().max(MAX_MESSAGE_LENGTH).exactOptional(),
    }),
  }),
]);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
