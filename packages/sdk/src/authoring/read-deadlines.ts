import type { DeadlineReference, SerializedDeadline } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import type { CallbackHandler } from './callbacks.ts';
import { checkFields, MAX_NAME_LENGTH, readText, readWholeNumber, type Unchecked } from './check-fields.ts';
import { readHandlers } from './read-callbacks.ts';
import { readDuration } from './read-duration.ts';
import { showValue } from './show-value.ts';

/** A deadline, checked: its data, and what is called when it is missed. */
export interface CheckedDeadline {
  readonly serialized: SerializedDeadline;
  readonly callbacks: readonly CallbackHandler[];
}

const DEADLINE_FIELDS = { name: true, reference: true, interval: true, before: true, callback: true } as const;
const REFERENCE_FIELDS = { kind: true, at: true, maxRuns: true, minRuns: true } as const;
const MAX_DEADLINES = 100;
const MAX_RUNS = 1_000;

/** Reads `deadlines` of a dag. Throws a `DefinitionError` for the first thing that does not hold. */
export function readDeadlines(where: string, value: unknown): readonly CheckedDeadline[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new DefinitionError(where, `deadlines must be a list and not ${showValue(value)}`);
  if (value.length > MAX_DEADLINES)
    throw new DefinitionError(where, `there are ${value.length} deadlines; at most ${MAX_DEADLINES} are kept`);
  const deadlines = value.map((item, index) => readDeadline(where, `deadlines[${index}]`, item));
  const names = deadlines.map(({ serialized }) => serialized.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return deadlines;
  throw new DefinitionError(where, `two deadlines are named '${twice}'; give each its own name`);
}

function readDeadline(where: string, place: string, value: unknown): CheckedDeadline {
  const fields = checkFields(where, place, value, DEADLINE_FIELDS);
  const name = readText(where, `${place}.name`, fields.name, MAX_NAME_LENGTH) ?? '';
  if (name.trim() === '') throw new DefinitionError(where, `${place}.name is missing; name the deadline, such as 'two hours'`);
  const callbacks = readHandlers(where, `${place}.callback`, fields.callback);
  if (callbacks.length === 0)
    throw new DefinitionError(where, `${place}.callback is missing; without one nobody learns that it was missed`);
  return {
    serialized: {
      name,
      reference: readReference(where, `${place}.reference`, fields.reference),
      intervalMs: readInterval(where, place, fields),
    },
    callbacks,
  };
}

function readInterval(where: string, place: string, { interval, before }: Unchecked<typeof DEADLINE_FIELDS>): number {
  const afterMs = readDuration(where, `${place}.interval`, interval);
  const beforeMs = readDuration(where, `${place}.before`, before);
  if (afterMs !== undefined && beforeMs === undefined) return afterMs;
  if (beforeMs !== undefined && afterMs === undefined) return beforeMs === 0 ? 0 : -beforeMs;
  throw new DefinitionError(where, `${place} needs either interval (after its reference) or before, such as interval: { hours: 2 }`);
}

function readReference(where: string, place: string, value: unknown): DeadlineReference {
  const { kind, at, maxRuns, minRuns } = checkFields(where, place, value, REFERENCE_FIELDS);
  switch (kind) {
    case 'dag_run_queued_at':
    case 'dag_run_logical_date':
      return { kind };
    case 'fixed_datetime':
      return { kind, at: readInstant(where, place, at) };
    case 'average_runtime': {
      const limits = { minimum: 1, maximum: MAX_RUNS, otherwise: 10 };
      const checked = readWholeNumber(where, `${place}.maxRuns`, maxRuns, limits);
      return { kind, maxRuns: checked, minRuns: readWholeNumber(where, `${place}.minRuns`, minRuns, { ...limits, maximum: checked }) };
    }
    default:
      throw new DefinitionError(
        where,
        `${place} is ${showValue(value)}; use deadline.queuedAt(), .logicalDate(), .fixed() or .averageRuntime()`,
      );
  }
}

function readInstant(where: string, place: string, at: unknown): string {
  try {
    if (typeof at === 'string' || at instanceof Temporal.Instant) return Temporal.Instant.from(at).toString();
  } catch {
    // Told below, with what it should be.
  }
  throw new DefinitionError(where, `${place} is the moment ${showValue(at)}; give an instant, such as '2026-01-31T06:00Z'`);
}
