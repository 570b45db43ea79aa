import { isDagId, isRunId, type InputBinding, type SerializedTriggerDagRun } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import { readBoolean } from '../check-fields.ts';
import { isDagDefinition } from '../definition.ts';
import { readBinding } from '../read-inputs.ts';
import type { TaskFields, TaskKind, TaskPart, TaskReading } from '../read-task-spec.ts';
import { showValue } from '../show-value.ts';
import type { DagOrId, TriggerDagRunSpec } from '../task-kinds.ts';
import { TASK_OPTION_FIELDS } from './common-fields.ts';

/** The operator whose tasks have no code of the author's (worker/trigger-dag-run-entry.ts). */
const TRIGGER_DAG_RUN_OPERATOR = 'trigger_dag_run';

/** Every field of its spec; the compiler keeps the list complete. */
export const TRIGGER_DAG_RUN_FIELDS: Readonly<Record<keyof TriggerDagRunSpec<DagOrId, unknown>, true>> = {
  ...TASK_OPTION_FIELDS,
  dag: true,
  conf: true,
  logicalDate: true,
  runId: true,
  note: true,
  waitForCompletion: true,
  onExisting: true,
  failWhenDagIsPaused: true,
  allowedStates: true,
  failedStates: true,
  triggerRule: true,
};

const END_STATES = ['success', 'failed'] as const;
const ON_EXISTING = ['fail', 'reset', 'skip'] as const;

/** A task that starts a run of another dag. */
export const TRIGGER_DAG_RUN: TaskKind = {
  what: 'a task that triggers a dag run',
  fields: TRIGGER_DAG_RUN_FIELDS,
  read: readTriggerDagRun,
};

function readTriggerDagRun(reading: TaskReading): TaskPart {
  const { where, fields } = reading;
  return {
    operator: TRIGGER_DAG_RUN_OPERATOR,
    code: {},
    inputs: {
      ...readConf(reading),
      ...readText(reading, 'logicalDate', checkInstant),
      ...readText(reading, 'runId', checkRunId),
      ...readText(reading, 'note', (text) => text),
    },
    serialized: { triggerDagRun: readOptions(where, fields) },
  };
}

function readOptions(where: string, fields: TaskFields): SerializedTriggerDagRun {
  const allowedStates = readStates(where, 'allowedStates', fields['allowedStates'], ['success']);
  const failedStates = readStates(where, 'failedStates', fields['failedStates'], allowedStates.includes('failed') ? [] : ['failed']);
  const both = allowedStates.find((state) => failedStates.includes(state));
  if (both !== undefined) throw new DefinitionError(where, `allowedStates and failedStates both name '${both}'; leave it in one of them`);
  return {
    dagId: readDagId(where, fields['dag']),
    waitForCompletion: readBoolean(where, 'waitForCompletion', fields['waitForCompletion'], false),
    onExisting: readOnExisting(where, fields['onExisting']),
    failWhenDagIsPaused: readBoolean(where, 'failWhenDagIsPaused', fields['failWhenDagIsPaused'], false),
    allowedStates,
    failedStates,
  };
}

/** The id of a dag that is given itself or by its id. Throws a `DefinitionError` for anything else. */
export function readDagId(where: string, value: unknown): string {
  if (isDagDefinition(value)) return value.dagId;
  if (typeof value === 'string' && isDagId(value)) return value;
  throw new DefinitionError(where, `dag is ${showValue(value)}; give a dag, as dag() returned it, or its id`);
}

function readConf({ where, place, fields }: TaskReading): Readonly<Record<string, InputBinding>> {
  if (fields['conf'] === undefined) return {};
  const conf = readBinding(where, 'conf', fields['conf'], place);
  const isObject = conf.kind !== 'literal' || (typeof conf.value === 'object' && conf.value !== null && !Array.isArray(conf.value));
  if (isObject) return { conf };
  throw new DefinitionError(where, `conf is ${showValue(fields['conf'])}; give an object of params, or a task that returns one`);
}

function readText(
  { where, place, fields }: TaskReading,
  field: string,
  check: (text: string) => string | undefined,
): Readonly<Record<string, InputBinding>> {
  const value = fields[field] instanceof Temporal.Instant ? fields[field].toString() : fields[field];
  if (value === undefined) return {};
  const binding = readBinding(where, field, value, place);
  if (binding.kind !== 'literal') return { [field]: binding };
  const checked = typeof binding.value === 'string' ? check(binding.value) : undefined;
  if (checked !== undefined) return { [field]: { kind: 'literal', value: checked } };
  throw new DefinitionError(where, `${field} is ${showValue(value)}; ${ADVICE[field] ?? 'give a text'}, or a task that returns one`);
}

const ADVICE: Readonly<Record<string, string>> = {
  logicalDate: "give an instant, such as '2026-01-31T06:00Z'",
  runId: "give 1 to 250 letters, digits and '_.~:+-'",
};

function checkInstant(text: string): string | undefined {
  try {
    return Temporal.Instant.from(text).toString();
  } catch {
    return undefined;
  }
}

function checkRunId(text: string): string | undefined {
  return isRunId(text) ? text : undefined;
}

function readOnExisting(where: string, value: unknown): SerializedTriggerDagRun['onExisting'] {
  if (value === undefined) return 'fail';
  const known = ON_EXISTING.find((one) => one === value);
  if (known !== undefined) return known;
  throw new DefinitionError(where, `onExisting is ${showValue(value)}; use 'fail', 'reset' or 'skip'`);
}

type EndState = (typeof END_STATES)[number];

function readStates(where: string, field: string, value: unknown, otherwise: readonly EndState[]): readonly EndState[] {
  if (value === undefined) return otherwise;
  if (Array.isArray(value) && value.every((state) => END_STATES.some((known) => known === state))) return [...new Set(value as EndState[])];
  throw new DefinitionError(where, `${field} is ${showValue(value)}; list 'success', 'failed' or both`);
}
