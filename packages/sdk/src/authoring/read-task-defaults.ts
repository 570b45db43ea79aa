import {
  DEFAULT_RETRY_DELAY_MS,
  TASK_CALLBACKS,
  type Isolation,
  type SerializedTask,
  type TaskCallback,
  type WeightRule,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import type { WeighedTask } from './callbacks.ts';
import { checkFields, MAX_NAME_LENGTH, readBoolean, readText, readWholeNumber, type Unchecked } from './check-fields.ts';
import { present } from './present.ts';
import { readCallbacks, type CheckedCallbacks } from './read-callbacks.ts';
import { readDuration, readPositiveDuration } from './read-duration.ts';
import { showValue } from './show-value.ts';
import type { TaskDefaults } from './task-defaults.ts';

/** The fields of a serialized task that `TaskDefaults` decides. */
type DefaultFields = Pick<
  SerializedTask,
  | 'retries'
  | 'retryDelayMs'
  | 'retryBackoff'
  | 'maxRetryDelayMs'
  | 'executionTimeoutMs'
  | 'isolation'
  | 'dependsOnPast'
  | 'ignoreFirstDependsOnPast'
  | 'waitForDownstream'
  | 'waitForPastDependsBeforeSkipping'
  | 'pool'
  | 'poolSlots'
  | 'priorityWeight'
  | 'weightRule'
  | 'queue'
  | 'executor'
  | 'maxActiveTisPerDag'
  | 'maxActiveTisPerDagrun'
>;

/** `TaskDefaults`, checked and complete. */
export interface CheckedTaskDefaults {
  readonly fields: DefaultFields;
  /** Set where `weightRule` is a function. */
  readonly weigh: ((task: WeighedTask) => unknown) | undefined;
  readonly callbacks: CheckedCallbacks<TaskCallback>;
}

/** What a task is that neither it nor its dag says anything about. */
export const BASE_TASK_DEFAULTS: CheckedTaskDefaults = {
  fields: { retries: 0, retryDelayMs: DEFAULT_RETRY_DELAY_MS, isolation: 'warm' },
  weigh: undefined,
  callbacks: new Map(),
};

/** Every field of `TaskDefaults`; the compiler keeps the list complete. */
export const TASK_DEFAULT_FIELDS: Readonly<Record<keyof TaskDefaults, true>> = {
  retries: true,
  retryDelay: true,
  retryBackoff: true,
  maxRetryDelay: true,
  executionTimeout: true,
  isolation: true,
  dependsOnPast: true,
  ignoreFirstDependsOnPast: true,
  waitForDownstream: true,
  waitForPastDependsBeforeSkipping: true,
  pool: true,
  poolSlots: true,
  priorityWeight: true,
  weightRule: true,
  queue: true,
  executor: true,
  maxActiveTisPerDag: true,
  maxActiveTisPerDagrun: true,
  on: true,
};

const MAX_RETRIES = 10_000;
const MAX_BACKOFF = 1_000;
const MAX_LIMIT = 1_000_000;
/** Airflow keeps priorities in 32 bits. */
const MAX_WEIGHT = 2_147_483_647;
const WEIGHT_RULES: readonly WeightRule[] = ['downstream', 'upstream', 'absolute'];

/** Reads `taskDefaults` of a dag or a group. Throws a `DefinitionError` naming the field. */
export function readTaskDefaultsOf(where: string, value: unknown, otherwise: CheckedTaskDefaults): CheckedTaskDefaults {
  if (value === undefined) return otherwise;
  const inDefaults = `${where}, taskDefaults`;
  return readTaskDefaults(inDefaults, checkFields(inDefaults, 'taskDefaults', value, TASK_DEFAULT_FIELDS), otherwise);
}

/**
 * The fields of a task, or of a dag's or group's `taskDefaults`, that each can set; what is not set is taken from `otherwise`.
 * @throws DefinitionError naming the field
 */
export function readTaskDefaults(where: string, fields: Unchecked<TaskDefaults>, otherwise: CheckedTaskDefaults): CheckedTaskDefaults {
  const own = { ...readRetries(where, fields), ...readPast(where, fields), ...readPlace(where, fields) };
  const merged = { ...otherwise.fields, ...present(own) };
  const { weightRule } = fields;
  const weigh = typeof weightRule === 'function' ? (weightRule as CheckedTaskDefaults['weigh']) : undefined;
  return {
    // A false that overrules a true is what an absent field means.
    fields: Object.fromEntries(
      Object.entries(merged).filter(([, value]: [string, unknown]) => value !== false),
    ) as unknown as DefaultFields,
    weigh: weightRule === undefined ? otherwise.weigh : weigh,
    callbacks: new Map([...otherwise.callbacks, ...readCallbacks(where, fields.on, TASK_CALLBACKS)]),
  };
}

/** The priority of a task, where a function decides it; its answer is final, so the weights around it play no part. */
export function weigh(
  where: string,
  defaults: CheckedTaskDefaults,
  task: WeighedTask,
): Pick<SerializedTask, 'priorityWeight' | 'weightRule'> {
  if (defaults.weigh === undefined) return {};
  const weight = defaults.weigh(task);
  const priorityWeight = readWeight(where, 'what weightRule returned', weight);
  if (priorityWeight === undefined) throw new DefinitionError(where, 'weightRule returned nothing; return a whole number');
  return { priorityWeight, weightRule: 'absolute' };
}

function readRetries(where: string, fields: Unchecked<TaskDefaults>): Partial<DefaultFields> {
  return present({
    retries: readCount(where, 'retries', fields.retries, [0, MAX_RETRIES]),
    retryDelayMs: readDuration(where, 'retryDelay', fields.retryDelay),
    retryBackoff: readBackoff(where, fields.retryBackoff),
    maxRetryDelayMs: readPositiveDuration(where, 'maxRetryDelay', fields.maxRetryDelay),
    executionTimeoutMs: readPositiveDuration(where, 'executionTimeout', fields.executionTimeout),
    isolation: readIsolation(where, fields.isolation),
  });
}

function readPast(where: string, fields: Unchecked<TaskDefaults>): object {
  return present({
    dependsOnPast: readSwitch(where, 'dependsOnPast', fields.dependsOnPast),
    ignoreFirstDependsOnPast: readSwitch(where, 'ignoreFirstDependsOnPast', fields.ignoreFirstDependsOnPast),
    waitForDownstream: readSwitch(where, 'waitForDownstream', fields.waitForDownstream),
    waitForPastDependsBeforeSkipping: readSwitch(where, 'waitForPastDependsBeforeSkipping', fields.waitForPastDependsBeforeSkipping),
  });
}

function readPlace(where: string, fields: Unchecked<TaskDefaults>): Partial<DefaultFields> {
  return present({
    pool: readName(where, 'pool', fields.pool),
    poolSlots: readCount(where, 'poolSlots', fields.poolSlots, [1, MAX_LIMIT]),
    priorityWeight: readWeight(where, 'priorityWeight', fields.priorityWeight),
    weightRule: readWeightRule(where, fields.weightRule),
    queue: readName(where, 'queue', fields.queue),
    executor: readName(where, 'executor', fields.executor),
    maxActiveTisPerDag: readCount(where, 'maxActiveTisPerDag', fields.maxActiveTisPerDag, [1, MAX_LIMIT]),
    maxActiveTisPerDagrun: readCount(where, 'maxActiveTisPerDagrun', fields.maxActiveTisPerDagrun, [1, MAX_LIMIT]),
  });
}

/** A whole number; undefined where it is absent. */
function readCount(where: string, field: string, value: unknown, [minimum, maximum]: readonly [number, number]): number | undefined {
  return value === undefined ? undefined : readWholeNumber(where, field, value, { minimum, maximum, otherwise: minimum });
}

function readSwitch(where: string, field: string, value: unknown): boolean | undefined {
  return value === undefined ? undefined : readBoolean(where, field, value, false);
}

function readName(where: string, field: string, value: unknown): string | undefined {
  const name = readText(where, field, value, MAX_NAME_LENGTH);
  if (name?.trim() === '') throw new DefinitionError(where, `${field} is blank; leave it out for the default`);
  return name;
}

function readWeight(where: string, field: string, value: unknown): number | undefined {
  return value === undefined
    ? undefined
    : readWholeNumber(where, field, value, { minimum: -MAX_WEIGHT, maximum: MAX_WEIGHT, otherwise: 1 });
}

function readBackoff(where: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 1 && value <= MAX_BACKOFF) return value;
  throw new DefinitionError(
    where,
    `retryBackoff is ${showValue(value)}; give a number from 1 to ${MAX_BACKOFF}, such as 2 for waits that double`,
  );
}

function readWeightRule(where: string, value: unknown): WeightRule | undefined {
  if (value === undefined || typeof value === 'function') return undefined;
  const rule = WEIGHT_RULES.find((known) => known === value);
  if (rule !== undefined) return rule;
  throw new DefinitionError(
    where,
    `weightRule is ${showValue(value)}; use 'downstream', 'upstream', 'absolute', or a function of the task`,
  );
}

function readIsolation(where: string, value: unknown): Isolation | undefined {
  if (value === undefined || value === 'warm' || value === 'process') return value;
  throw new DefinitionError(where, `isolation is ${showValue(value)}; use 'warm' or 'process'`);
}
