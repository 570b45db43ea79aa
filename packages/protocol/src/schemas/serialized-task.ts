import { z } from 'zod';
import { MAX_DURATION_MS } from '../duration.ts';
import { isAssetName, isDagId, isTaskId } from '../identifiers.ts';
import type { StartFromTrigger } from '../deferral.ts';
import type { MapSource, SerializedExpansion } from '../expansion.ts';
import { MAX_VALUE_BYTES, type JsonObject } from '../json.ts';
import { TASK_CALLBACKS, type SerializedGroup, type SerializedTask } from '../serialized-task.ts';
import { TRIGGER_RULES } from '../trigger-rule.ts';

const MAX_TEXT_LENGTH = 65_536;
const MAX_RETRIES = 10_000;
/** How many lists deep `zip` and `concat` may be. */
const MAX_SOURCE_DEPTH = 8;
const MAX_WEIGHT = 2_147_483_647;

const taskId = z.string().refine(isTaskId, 'is not a valid task id');
const groupId = z.string().refine(isTaskId, 'is not a valid group id');
const dagId = z.string().refine(isDagId, 'is not a valid dag id');
const assetName = z.string().refine(isAssetName, 'is not a valid asset name');
const name = z.string().min(1).max(250);
const jsonText = z.string().min(1).max(MAX_VALUE_BYTES);
const durationMs = z.int().min(0).max(MAX_DURATION_MS);
const jsonObject = z.record(z.string(), z.json()) as z.ZodType<JsonObject>;
const yes = z.literal(true).exactOptional();
const limit = z.int().min(1).max(1_000_000).exactOptional();
const endState = z.enum(['success', 'failed']);

function mapSource(depth: number): z.ZodType<MapSource> {
  const simple = [
    z.strictObject({ kind: z.literal('xcom'), taskId }),
    z.strictObject({ kind: z.literal('literal'), value: z.union([z.array(z.json()), jsonObject]) }),
  ] as const;
  if (depth === 0) return z.discriminatedUnion('kind', simple);
  const of = z.array(mapSource(depth - 1)).min(1);
  return z.discriminatedUnion('kind', [
    ...simple,
    z.strictObject({ kind: z.literal('zip'), of, fillValue: z.json().exactOptional() }),
    z.strictObject({ kind: z.literal('concat'), of }),
  ]);
}

const source = mapSource(MAX_SOURCE_DEPTH);

const expansionSchema: z.ZodType<SerializedExpansion> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('product'), over: z.array(z.strictObject({ name, source })).min(1) }),
  z.strictObject({ kind: z.literal('sets'), source }),
]);

const sensorSchema = z.strictObject({
  mode: z.enum(['poke', 'reschedule']),
  pokeIntervalMs: durationMs,
  timeoutMs: durationMs,
  onFailure: z.enum(['fail', 'soft', 'never', 'silent']),
  exponentialBackoff: yes,
  maxWaitMs: durationMs.exactOptional(),
});

const decisionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('branch'), choices: z.array(name).min(1) }),
  z.strictObject({ kind: z.literal('short_circuit'), skips: z.enum(['all', 'direct']) }),
  z.strictObject({ kind: z.literal('latest_only') }),
]);

const startFromTriggerSchema: z.ZodType<StartFromTrigger> = z.strictObject({
  trigger: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('timer'), afterMs: durationMs }),
    z.strictObject({ kind: z.literal('code'), name, argsJson: jsonText }),
  ]),
  stateJson: jsonText,
  timeoutMs: durationMs.exactOptional(),
});

const triggerDagRunSchema = z.strictObject({
  dagId,
  waitForCompletion: z.boolean(),
  onExisting: z.enum(['fail', 'reset', 'skip']),
  failWhenDagIsPaused: z.boolean(),
  allowedStates: z.array(endState),
  failedStates: z.array(endState),
});

/** A task of a serialized dag. */
export const serializedTaskSchema: z.ZodType<SerializedTask> = z.strictObject({
  taskId,
  operator: name,
  displayName: z.string().max(250).exactOptional(),
  doc: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  groupId: groupId.exactOptional(),
  inputs: z.record(
    z.string(),
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('xcom'), taskId }),
      z.strictObject({ kind: z.literal('literal'), value: z.json() }),
      z.strictObject({ kind: z.literal('expanded'), name }),
    ]),
  ),
  upstream: z.array(taskId),
  triggerRule: z.enum(TRIGGER_RULES),
  expand: expansionSchema.exactOptional(),
  mapIndexTemplate: z.string().min(1).max(4_096).exactOptional(),
  role: z.enum(['setup', 'teardown']).exactOptional(),
  setups: z.array(taskId).exactOptional(),
  failsDagRun: yes,
  decision: decisionSchema.exactOptional(),
  followedOn: z.record(taskId, z.array(name).min(1)).exactOptional(),
  sensor: sensorSchema.exactOptional(),
  triggerDagRun: triggerDagRunSchema.exactOptional(),
  startFromTrigger: startFromTriggerSchema.exactOptional(),
  retries: z.int().min(0).max(MAX_RETRIES),
  retryDelayMs: durationMs,
  retryBackoff: z.number().min(1).max(1_000).exactOptional(),
  maxRetryDelayMs: durationMs.exactOptional(),
  executionTimeoutMs: durationMs.exactOptional(),
  dependsOnPast: yes,
  ignoreFirstDependsOnPast: yes,
  waitForDownstream: yes,
  waitForPastDependsBeforeSkipping: yes,
  pool: name.exactOptional(),
  poolSlots: limit,
  priorityWeight: z.int().min(-MAX_WEIGHT).max(MAX_WEIGHT).exactOptional(),
  weightRule: z.enum(['downstream', 'upstream', 'absolute']).exactOptional(),
  maxActiveTisPerDag: limit,
  maxActiveTisPerDagrun: limit,
  queue: name.exactOptional(),
  executor: name.exactOptional(),
  isolation: z.enum(['warm', 'process']),
  outlets: z.array(assetName),
  outletAliases: z.array(assetName).exactOptional(),
  inlets: z.array(assetName).exactOptional(),
  callbacks: z.array(z.enum(TASK_CALLBACKS)).exactOptional(),
  fields: jsonObject.exactOptional(),
  templateFields: z.array(name).exactOptional(),
  variables: z.array(name).exactOptional(),
  connections: z.array(name).exactOptional(),
});

/** A group of a serialized dag. */
export const serializedGroupSchema: z.ZodType<SerializedGroup> = z.strictObject({
  groupId,
  parentId: groupId.exactOptional(),
  displayName: z.string().max(250).exactOptional(),
  doc: z.string().max(MAX_TEXT_LENGTH).exactOptional(),
  expand: expansionSchema.exactOptional(),
});
