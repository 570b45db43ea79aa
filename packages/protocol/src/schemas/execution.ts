import { z } from 'zod';
import {
  FAILURE_KINDS,
  MAX_EVENTS_PER_TRY,
  MAX_FAILURE_DETAIL_LENGTH,
  type AttemptReport,
  type ChildMessage,
  type ParseReply,
  type TryDecision,
  type TryOutcome,
} from '../execution.ts';
import type { Deferral } from '../deferral.ts';
import type { SharedParseReply } from '../shared-parsing.ts';
import type { TaskRequest, TaskResponse } from '../task-request.ts';
import { isAssetName } from '../identifiers.ts';
import { MAX_RESULT_BYTES, MAX_VALUE_BYTES, type JsonObject } from '../json.ts';

const attemptSchema = z.strictObject({ taskInstanceId: z.string().min(1).max(64), epoch: z.int().min(0) });
const jsonTextOf = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => isJson(text), 'is not JSON');
const jsonText = jsonTextOf(MAX_VALUE_BYTES);
const resultText = jsonTextOf(MAX_RESULT_BYTES);

const decisionSchema: z.ZodType<TryDecision> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('branch'), follow: z.array(z.string().max(250)).max(1_000) }),
  z.strictObject({ kind: z.literal('short_circuit'), goesOn: z.boolean() }),
  z.strictObject({ kind: z.literal('latest_only'), goesOn: z.boolean() }),
]);

const epochMs = z.number().min(0).max(8.64e15);

const deferralSchema: z.ZodType<Deferral> = z.strictObject({
  trigger: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('timer'), at: epochMs }),
    z.strictObject({ kind: z.literal('code'), name: z.string().min(1).max(250), argsJson: jsonText }),
    z.strictObject({ kind: z.literal('dag_run'), dagId: z.string().min(1).max(250), runId: z.string().min(1).max(250) }),
  ]),
  stateJson: jsonText,
  timeoutAt: epochMs.exactOptional(),
});

const emittedEventSchema = z.strictObject({
  assetName: z.string().refine(isAssetName),
  extraJson: jsonText,
  via: z
    .strictObject({ alias: z.string().refine(isAssetName), uri: z.string().min(1).max(1_500), group: z.string().max(250) })
    .exactOptional(),
});

const outcomeSchema: z.ZodType<TryOutcome> = z.discriminatedUnion('result', [
  z.strictObject({
    result: z.literal('success'),
    valueJson: resultText,
    events: z.array(emittedEventSchema).max(MAX_EVENTS_PER_TRY),
    decision: decisionSchema.exactOptional(),
    mapIndexLabel: z.string().max(250).exactOptional(),
  }),
  z.strictObject({ result: z.literal('rescheduled'), at: epochMs }),
  z.strictObject({ result: z.literal('deferred'), deferral: deferralSchema }),
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

const instant = z.iso.datetime({ offset: true }).max(64);
const name = z.string().min(1).max(250);

const requestSchema: z.ZodType<TaskRequest> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('variable'), key: name }),
  z.strictObject({ kind: z.literal('connection'), connId: name }),
  z.strictObject({
    kind: z.literal('xcom'),
    taskId: name,
    key: name,
    mapIndex: z.int().min(-1).exactOptional(),
    runId: name.exactOptional(),
    includePriorDates: z.boolean().exactOptional(),
  }),
  z.strictObject({ kind: z.literal('push_xcom'), key: name, valueJson: resultText }),
  z.strictObject({
    kind: z.literal('asset_events'),
    assetName: z.string().refine(isAssetName),
    after: instant.exactOptional(),
    before: instant.exactOptional(),
    limit: z.int().min(1).max(10_000).exactOptional(),
    newestFirst: z.literal(true).exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('dag_run_states'),
    dagId: name,
    logicalDates: z.array(instant).max(1_000).exactOptional(),
    runIds: z.array(name).max(1_000).exactOptional(),
    taskIds: z.array(name).max(1_000).exactOptional(),
    groupId: name.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('previous_success') }),
  z.strictObject({
    kind: z.literal('trigger_dag_run'),
    dagId: name,
    runId: name.exactOptional(),
    confJson: jsonText,
    logicalDate: instant.exactOptional(),
    note: z.string().max(1_000).exactOptional(),
    onExisting: z.enum(['fail', 'reset', 'skip']),
    failWhenDagIsPaused: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('rendered_fields'), fields: z.record(z.string().max(250), z.json()) as z.ZodType<JsonObject> }),
  z.strictObject({ kind: z.literal('mask'), values: z.array(z.string().max(MAX_VALUE_BYTES)).min(1).max(100) }),
]);

/** What an environment may answer to a request of a try. */
export const taskResponseSchema: z.ZodType<TaskResponse> = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.json() }),
  z.strictObject({
    ok: z.literal(false),
    code: z.enum(['not_found', 'forbidden', 'bad_request', 'unavailable']),
    message: z.string().max(MAX_FAILURE_DETAIL_LENGTH),
  }),
]);

/** What a supervisor accepts from a task child. */
export const childMessageSchema: z.ZodType<ChildMessage> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), protocolVersion: z.int(), pid: z.int().positive() }),
  z.strictObject({ type: z.literal('started'), attempt: attemptSchema, at: z.number().positive() }),
  z.strictObject({ type: z.literal('request'), attempt: attemptSchema, requestId: z.int().min(0), request: requestSchema }),
  z.strictObject({
    type: z.literal('ended'),
    attempt: attemptSchema,
    outcome: outcomeSchema,
    at: z.number().positive(),
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

/** What the dag processor accepts from a child that reads several files. */
export const sharedParseReplySchema: z.ZodType<SharedParseReply> = z.strictObject({
  type: z.literal('shared'),
  parsed: z.strictObject({ dags: z.array(z.unknown()), files: z.array(z.string().max(MAX_PATH_LENGTH)) }).exactOptional(),
  isSpent: z.boolean(),
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
