import { DEFAULT_RETRY_DELAY_MS, durationMs, type Isolation } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { readWholeNumber, type Unchecked } from './check-fields.ts';
import type { TaskDefaults } from './dag-options.ts';
import { showValue } from './show-value.ts';

/** `TaskDefaults`, checked and complete. */
export interface CheckedTaskDefaults {
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly executionTimeoutMs: number | undefined;
  readonly isolation: Isolation;
}

/** What a task is that neither it nor its dag says anything about. */
export const BASE_TASK_DEFAULTS: CheckedTaskDefaults = {
  retries: 0,
  retryDelayMs: DEFAULT_RETRY_DELAY_MS,
  executionTimeoutMs: undefined,
  isolation: 'warm',
};

/** Every field of `TaskDefaults`; the compiler keeps the list complete. */
export const TASK_DEFAULT_FIELDS: Readonly<Record<keyof TaskDefaults, true>> = {
  retries: true,
  retryDelay: true,
  executionTimeout: true,
  isolation: true,
};

const MAX_RETRIES = 10_000;

/**
 * The fields of a task, or of a dag's `taskDefaults`, that both can set; what is not set is taken from `otherwise`.
 * @throws DefinitionError naming the field
 */
export function readTaskDefaults(where: string, fields: Unchecked<TaskDefaults>, otherwise: CheckedTaskDefaults): CheckedTaskDefaults {
  const executionTimeoutMs = readDuration(where, 'executionTimeout', fields.executionTimeout);
  if (executionTimeoutMs === 0) throw new DefinitionError(where, 'executionTimeout is no time at all; leave it out for no limit');
  return {
    retries: readWholeNumber(where, 'retries', fields.retries, { minimum: 0, maximum: MAX_RETRIES, otherwise: otherwise.retries }),
    retryDelayMs: readDuration(where, 'retryDelay', fields.retryDelay) ?? otherwise.retryDelayMs,
    executionTimeoutMs: executionTimeoutMs ?? otherwise.executionTimeoutMs,
    isolation: readIsolation(where, fields.isolation) ?? otherwise.isolation,
  };
}

function readDuration(where: string, field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const isNamed = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  const ms = isNamed ? durationMs(value) : undefined;
  if (ms !== undefined) return ms;
  throw new DefinitionError(
    where,
    `${field} is ${showValue(value)}; name milliseconds, seconds, minutes, hours or days, such as { minutes: 5 }, at most a hundred years`,
  );
}

function readIsolation(where: string, value: unknown): Isolation | undefined {
  if (value === undefined || value === 'warm' || value === 'process') return value;
  throw new DefinitionError(where, `isolation is ${showValue(value)}; use 'warm' or 'process'`);
}
