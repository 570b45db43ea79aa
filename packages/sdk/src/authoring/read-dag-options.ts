import {
  DAG_CALLBACKS,
  DAG_RUN_TYPES,
  DEFAULT_MAX_ACTIVE_RUNS,
  DEFAULT_MAX_ACTIVE_TASKS,
  timetableOf,
  type DagCallback,
  type DagRunType,
  type JsonObject,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { checkFields, MAX_DOC_LENGTH, MAX_NAME_LENGTH, readBoolean, readText, readWholeNumber, type Unchecked } from './check-fields.ts';
import type { DagOptions } from './dag-options.ts';
import { readCallbacks, type CheckedCallbacks } from './read-callbacks.ts';
import { readDeadlines, type CheckedDeadline } from './read-deadlines.ts';
import { readPositiveDuration } from './read-duration.ts';
import { readParams } from './read-params.ts';
import { readSchedule, type CheckedSchedule } from './read-schedule.ts';
import { BASE_TASK_DEFAULTS, readTaskDefaultsOf, type CheckedTaskDefaults } from './read-task-defaults.ts';
import { readTimezone } from './read-timezone.ts';
import { showNames, showValue } from './show-value.ts';

/** `DagOptions`, checked and complete. */
export interface CheckedDagOptions extends CheckedSchedule {
  readonly displayName: string | undefined;
  readonly description: string | undefined;
  readonly doc: string | undefined;
  readonly owner: string | undefined;
  readonly tags: readonly string[];
  /** ISO 8601 instant. */
  readonly startDate: string | undefined;
  /** ISO 8601 instant. */
  readonly endDate: string | undefined;
  readonly catchup: boolean;
  readonly isPausedUponCreation: boolean;
  readonly params: Readonly<Record<string, JsonObject>>;
  readonly maxActiveRuns: number;
  readonly maxActiveTasks: number;
  readonly failFast: boolean;
  readonly maxConsecutiveFailedDagRuns: number | undefined;
  readonly dagrunTimeoutMs: number | undefined;
  readonly allowedRunTypes: readonly DagRunType[] | undefined;
  readonly deadlines: readonly CheckedDeadline[];
  readonly callbacks: CheckedCallbacks<DagCallback>;
  readonly taskDefaults: CheckedTaskDefaults;
}

/** Every field of `DagOptions`; the compiler keeps the list complete. */
export const DAG_OPTION_FIELDS: Readonly<Record<keyof DagOptions, true>> = {
  schedule: true,
  startDate: true,
  endDate: true,
  timezone: true,
  catchup: true,
  params: true,
  maxActiveRuns: true,
  maxActiveTasks: true,
  failFast: true,
  maxConsecutiveFailedDagRuns: true,
  dagrunTimeout: true,
  allowedRunTypes: true,
  deadlines: true,
  on: true,
  tags: true,
  description: true,
  doc: true,
  owner: true,
  displayName: true,
  isPausedUponCreation: true,
  taskDefaults: true,
};

const MAX_ACTIVE = 1_000_000;
const MAX_TAGS = 100;
const MAX_TAG_LENGTH = 100;

/** Reads what `dag()` was given as options. Throws a `DefinitionError` for the first thing that does not hold. */
export function readDagOptions(where: string, options: unknown): CheckedDagOptions {
  const fields = checkFields(where, 'the options of dag()', options, DAG_OPTION_FIELDS);
  const timezone = fields.timezone === undefined ? 'UTC' : readTimezone(where, 'timezone', fields.timezone);
  const started = readSchedule(where, fields.schedule, timezone);
  const checked: CheckedDagOptions = {
    ...started,
    ...readTexts(where, fields),
    tags: readTags(where, fields.tags),
    startDate: readDate(where, 'startDate', fields.startDate, timezone),
    endDate: readDate(where, 'endDate', fields.endDate, timezone),
    catchup: readBoolean(where, 'catchup', fields.catchup, false),
    isPausedUponCreation: readBoolean(where, 'isPausedUponCreation', fields.isPausedUponCreation, false),
    params: readParams(where, fields.params),
    maxActiveRuns: readMaxActiveRuns(where, fields.maxActiveRuns, started),
    maxActiveTasks: readLimit(where, 'maxActiveTasks', fields.maxActiveTasks, DEFAULT_MAX_ACTIVE_TASKS),
    ...readRunOptions(where, fields),
    taskDefaults: readTaskDefaultsOf(where, fields.taskDefaults, BASE_TASK_DEFAULTS),
  };
  checkDates(where, checked);
  checkScheduledParams(where, checked);
  return checked;
}

function readTexts(where: string, fields: Unchecked<DagOptions>): Pick<CheckedDagOptions, 'displayName' | 'description' | 'doc' | 'owner'> {
  return {
    displayName: readText(where, 'displayName', fields.displayName, MAX_NAME_LENGTH),
    description: readText(where, 'description', fields.description, MAX_DOC_LENGTH),
    doc: readText(where, 'doc', fields.doc, MAX_DOC_LENGTH),
    owner: readText(where, 'owner', fields.owner, MAX_NAME_LENGTH),
  };
}

function readTags(where: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new DefinitionError(where, `tags must be a list of texts and not ${showValue(value)}`);
  const bad: unknown = value.find((tag) => typeof tag !== 'string' || tag.trim() === '' || tag.length > MAX_TAG_LENGTH);
  if (bad !== undefined) throw new DefinitionError(where, `${showValue(bad)} cannot be a tag; use 1 to ${MAX_TAG_LENGTH} characters`);
  const tags = [...new Set(value as string[])];
  if (tags.length > MAX_TAGS) throw new DefinitionError(where, `there are ${tags.length} tags; at most ${MAX_TAGS} are kept`);
  return tags;
}

function readLimit(where: string, field: string, value: unknown, otherwise: number): number {
  return readWholeNumber(where, field, value, { minimum: 1, maximum: MAX_ACTIVE, otherwise });
}

/** A dag without end has one run at a time (Airflow's `active_runs_limit` of its ContinuousTimetable). */
function readMaxActiveRuns(where: string, value: unknown, { schedule }: CheckedSchedule): number {
  if (timetableOf(schedule)?.kind !== 'continuous') return readLimit(where, 'maxActiveRuns', value, DEFAULT_MAX_ACTIVE_RUNS);
  if (value === undefined || value === 1) return 1;
  throw new DefinitionError(where, `maxActiveRuns is ${showValue(value)}, and '@continuous' has one run at a time; leave it out`);
}

type RunOptions = Pick<
  CheckedDagOptions,
  'failFast' | 'maxConsecutiveFailedDagRuns' | 'dagrunTimeoutMs' | 'allowedRunTypes' | 'deadlines' | 'callbacks'
>;

function readRunOptions(where: string, fields: Unchecked<DagOptions>): RunOptions {
  const { maxConsecutiveFailedDagRuns: maxFailed } = fields;
  return {
    failFast: readBoolean(where, 'failFast', fields.failFast, false),
    maxConsecutiveFailedDagRuns: maxFailed === undefined ? undefined : readLimit(where, 'maxConsecutiveFailedDagRuns', maxFailed, 1),
    dagrunTimeoutMs: readPositiveDuration(where, 'dagrunTimeout', fields.dagrunTimeout),
    allowedRunTypes: readRunTypes(where, fields.allowedRunTypes),
    deadlines: readDeadlines(where, fields.deadlines),
    callbacks: readCallbacks(where, fields.on, DAG_CALLBACKS),
  };
}

function readRunTypes(where: string, value: unknown): readonly DagRunType[] | undefined {
  if (value === undefined) return undefined;
  const isKnown = (type: unknown): boolean => DAG_RUN_TYPES.some((known) => known === type);
  if (Array.isArray(value) && value.length > 0 && value.every(isKnown)) return [...new Set(value as DagRunType[])];
  throw new DefinitionError(where, `allowedRunTypes is ${showValue(value)}; list one or more of ${showNames(DAG_RUN_TYPES)}`);
}

function readDate(where: string, field: string, value: unknown, timezone: string): string | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Temporal.Instant) return value.toString();
  const instant = typeof value === 'string' ? parseDate(value, timezone) : undefined;
  if (instant !== undefined) return instant.toString();
  throw new DefinitionError(
    where,
    `${field} is ${showValue(value)}; use a date such as '2026-01-31', a time such as '2026-01-31T06:00Z', or a Temporal.Instant`,
  );
}

/** A text with an offset is that instant; without one it is local time in the dag's timezone. */
function parseDate(text: string, timezone: string): Temporal.Instant | undefined {
  try {
    if (/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)) return Temporal.Instant.from(text);
    return Temporal.PlainDateTime.from(text).toZonedDateTime(timezone).toInstant();
  } catch {
    return undefined;
  }
}

function checkDates(where: string, { startDate, endDate }: CheckedDagOptions): void {
  if (startDate === undefined || endDate === undefined) return;
  if (Temporal.Instant.compare(startDate, endDate) <= 0) return;
  throw new DefinitionError(where, `endDate ${endDate} is before startDate ${startDate}; no run would ever be made`);
}

/** The clock gives a run no params, so each needs a default (Airflow: "a DAG with a schedule must have valid defaults"). */
function checkScheduledParams(where: string, { schedule, params }: CheckedDagOptions): void {
  if (timetableOf(schedule) === undefined) return;
  const missing = Object.entries(params).find(([, schema]) => schema['default'] === undefined);
  if (missing === undefined) return;
  throw new DefinitionError(
    where,
    `params.${missing[0]} has no default, and a scheduled run is given no params; add one, or set schedule: null`,
  );
}
