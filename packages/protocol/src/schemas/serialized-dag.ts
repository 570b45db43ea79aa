import { z } from 'zod';
import { isAssetName, isDagId, isTaskId } from '../identifiers.ts';
import type { JsonObject } from '../json.ts';
import { SERIALIZED_DAG_VERSION, type SerializedDag } from '../serialized-dag.ts';
import { TRIGGER_RULES } from '../trigger-rule.ts';
import { MAX_DURATION_MS } from '../duration.ts';

/** Limits of one dag (fault G4: a file with 20,000 tasks gets a clear error and not a slow scheduler). */
export const MAX_TASKS_PER_DAG = 10_000;
export const MAX_EDGES_PER_DAG = 100_000;
const MAX_TEXT_LENGTH = 65_536;
const MAX_RETRIES = 10_000;

const id = (isValid: (text: string) => boolean, what: string) => z.string().refine(isValid, `is not a valid ${what}`);
const durationMs = z.int().min(0).max(MAX_DURATION_MS);
const jsonObject = z.record(z.string(), z.json()) as z.ZodType<JsonObject>;
const assetName = id(isAssetName, 'asset name');

const assetSchema = z.strictObject({
  name: assetName,
  uri: z.string().min(1).max(1_500),
  group: z.string().max(250),
  extra: jsonObject.exactOptional(),
  eventType: z.string().min(1).max(512),
  publish: z.strictObject({ transport: z.literal('sns'), topic: z.string().min(1).max(1_024) }).exactOptional(),
  watchers: z.array(
    z.strictObject({
      transport: z.literal('sqs'),
      queue: z.string().min(1).max(1_024),
      type: z.string().min(1).max(512).exactOptional(),
    }),
  ),
});

const taskSchema = z.strictObject({
  taskId: id(isTaskId, 'task id'),
  operator: z.string().min(1).max(250),
  displayName: z.string().max(250).exactOptional(),
  doc: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  inputs: z.record(
    z.string(),
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('xcom'), taskId: id(isTaskId, 'task id') }),
      z.strictObject({ kind: z.literal('literal'), value: z.json() }),
    ]),
  ),
  upstream: z.array(id(isTaskId, 'task id')),
  triggerRule: z.enum(TRIGGER_RULES),
  retries: z.int().min(0).max(MAX_RETRIES),
  retryDelayMs: durationMs,
  executionTimeoutMs: durationMs.exactOptional(),
  isolation: z.enum(['warm', 'process']),
  outlets: z.array(assetName),
});

/** What the dag processor accepts from a parse child; anything else is an import error that names the path of the fault. */
export const serializedDagSchema: z.ZodType<SerializedDag> = z.strictObject({
  schemaVersion: z.literal(SERIALIZED_DAG_VERSION),
  dagId: id(isDagId, 'dag id'),
  displayName: z.string().max(250).exactOptional(),
  description: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  doc: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  owner: z.string().max(250).exactOptional(),
  tags: z.array(z.string().min(1).max(100)).max(100),
  schedule: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('cron'), expression: z.string().max(250), timezone: z.string().max(100) }),
    z.strictObject({ kind: z.literal('asset'), any: z.array(assetName).min(1) }),
  ]),
  startDate: z.iso.datetime().exactOptional(),
  endDate: z.iso.datetime().exactOptional(),
  catchup: z.boolean(),
  isPausedUponCreation: z.boolean(),
  params: z.record(z.string().max(250), jsonObject),
  maxActiveRuns: z.int().min(1).max(1_000_000),
  maxActiveTasks: z.int().min(1).max(1_000_000),
  tasks: z.array(taskSchema).max(MAX_TASKS_PER_DAG),
  assets: z.array(assetSchema),
});
