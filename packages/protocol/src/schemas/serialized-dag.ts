import { z } from 'zod';
import { isAssetName, isDagId } from '../identifiers.ts';
import type { JsonObject } from '../json.ts';
import { DAG_CALLBACKS, SERIALIZED_DAG_VERSION, type SerializedDag } from '../serialized-dag.ts';
import { DAG_RUN_TYPES } from '../states.ts';
import { MAX_DURATION_MS } from '../duration.ts';
import { serializedScheduleSchema } from './serialized-schedule.ts';
import { serializedGroupSchema, serializedTaskSchema } from './serialized-task.ts';

/** Limits of one dag (fault G4: a file with 20,000 tasks gets a clear error and not a slow scheduler). */
export const MAX_TASKS_PER_DAG = 10_000;
export const MAX_EDGES_PER_DAG = 100_000;
const MAX_TEXT_LENGTH = 65_536;

const id = (isValid: (text: string) => boolean, what: string) => z.string().refine(isValid, `is not a valid ${what}`);
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

const deadlineSchema = z.strictObject({
  name: z.string().min(1).max(250),
  reference: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('dag_run_queued_at') }),
    z.strictObject({ kind: z.literal('dag_run_logical_date') }),
    z.strictObject({ kind: z.literal('fixed_datetime'), at: z.iso.datetime() }),
    z.strictObject({ kind: z.literal('average_runtime'), maxRuns: z.int().min(1).max(1_000), minRuns: z.int().min(1).max(1_000) }),
  ]),
  intervalMs: z.int().min(-MAX_DURATION_MS).max(MAX_DURATION_MS),
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
  schedule: serializedScheduleSchema,
  startDate: z.iso.datetime().exactOptional(),
  endDate: z.iso.datetime().exactOptional(),
  catchup: z.boolean(),
  isPausedUponCreation: z.boolean(),
  params: z.record(z.string().max(250), jsonObject),
  maxActiveRuns: z.int().min(1).max(1_000_000),
  maxActiveTasks: z.int().min(1).max(1_000_000),
  tasks: z.array(serializedTaskSchema).max(MAX_TASKS_PER_DAG),
  groups: z.array(serializedGroupSchema).max(MAX_TASKS_PER_DAG).exactOptional(),
  maxConsecutiveFailedDagRuns: z.int().min(1).max(1_000_000).exactOptional(),
  dagrunTimeoutMs: z.int().min(1).max(MAX_DURATION_MS).exactOptional(),
  failFast: z.literal(true).exactOptional(),
  allowedRunTypes: z.array(z.enum(DAG_RUN_TYPES)).exactOptional(),
  callbacks: z.array(z.enum(DAG_CALLBACKS)).exactOptional(),
  deadlines: z.array(deadlineSchema).max(100).exactOptional(),
  assets: z.array(assetSchema),
});
