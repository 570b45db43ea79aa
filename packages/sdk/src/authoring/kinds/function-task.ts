import type { StartFromTrigger, TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import { isDeferred, isTrigger, type AnyTrigger } from '../deferral.ts';
import type { ResumeHandler } from '../definition.ts';
import type { TaskCode } from '../open-dag.ts';
import { EMPTY_OPERATOR, isEmptyRun } from '../operators/empty.ts';
import { present } from '../present.ts';
import type { TaskFields, TaskKind, TaskPart, TaskReading } from '../read-task-spec.ts';
import { showValue } from '../show-value.ts';
import type { Inputs, TaskSpec } from '../task-spec.ts';
import { CODE_FIELDS, readFunction } from './common-fields.ts';

type AnyTaskSpec = TaskSpec<Inputs, unknown, TriggerRule, readonly AnyAsset[], unknown, unknown, unknown>;

/** Every field of a task's spec; the compiler keeps the list complete. */
export const TASK_SPEC_FIELDS: Readonly<Record<keyof AnyTaskSpec, true>> = {
  ...CODE_FIELDS,
  run: true,
  resume: true,
  triggers: true,
  startFromTrigger: true,
};

/** A task that runs a function, or what an operator makes of it. */
export const FUNCTION_TASK: TaskKind = { what: 'a task', fields: TASK_SPEC_FIELDS, read: readFunctionTask };

/** The same, making what other tasks work with. */
export const SETUP_TASK: TaskKind = {
  what: 'a setup',
  fields: TASK_SPEC_FIELDS,
  read(reading) {
    const part = readFunctionTask(reading);
    return { ...part, serialized: { ...part.serialized, role: 'setup' } };
  },
};

/** The functions of a task that may be deferred. Throws a `DefinitionError` for what is none. */
export function readDeferrableCode(where: string, { run, resume, triggers }: TaskFields): TaskCode {
  return {
    run: readFunction(where, 'run', run),
    ...present({ resume: readResume(where, resume), triggers: readTriggers(where, triggers) }),
  };
}

function readFunctionTask({ where, fields }: TaskReading): TaskPart {
  checkEmpty(where, fields);
  const code = readDeferrableCode(where, fields);
  return { operator: 'function', code, serialized: present({ startFromTrigger: readStart(where, fields['startFromTrigger'], code) }) };
}

function readResume(where: string, value: unknown): ResumeHandler | undefined {
  if (value === undefined || typeof value === 'function') return value as ResumeHandler | undefined;
  throw new DefinitionError(where, `resume must be a function of (event, inputs, context, state) and not ${showValue(value)}`);
}

function readTriggers(where: string, value: unknown): readonly AnyTrigger[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new DefinitionError(where, `triggers must be a list and not ${showValue(value)}`);
  const triggers = value.map((item: unknown, index) => {
    if (isTrigger(item)) return item;
    throw new DefinitionError(where, `triggers[${index}] is ${showValue(item)}; list triggers, as trigger() returns them`);
  });
  const names = triggers.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return triggers;
  throw new DefinitionError(where, `two triggers are named '${twice}'; give each its own name`);
}

function readStart(where: string, value: unknown, { triggers = [] }: TaskCode): StartFromTrigger | undefined {
  if (value === undefined) return undefined;
  if (!isDeferred(value)) {
    throw new DefinitionError(where, `startFromTrigger is ${showValue(value)}; give what defer() or deferFor() returns`);
  }
  const { trigger, stateJson, timeoutMs } = value;
  const rest = { stateJson, ...present({ timeoutMs }) };
  if (trigger.kind === 'after') return { trigger: { kind: 'timer', afterMs: trigger.afterMs }, ...rest };
  if (trigger.kind !== 'code') {
    throw new DefinitionError(where, 'startFromTrigger waits for one moment, whenever the run is; use deferFor() with a duration');
  }
  if (triggers.some(({ name }) => name === trigger.name)) return { trigger, ...rest };
  throw new DefinitionError(
    where,
    `startFromTrigger waits for the trigger '${trigger.name}', which is not one of the task’s triggers; add it`,
  );
}

/** What an empty task is not asked for: it runs no code. */
function checkEmpty(where: string, { operator, run, outlets, runIf, skipIf }: TaskFields): void {
  if (operator !== EMPTY_OPERATOR) return;
  if (!isEmptyRun(run)) {
    throw new DefinitionError(where, 'run is set on an empty task, which never runs code; leave out empty() or run');
  }
  if (Array.isArray(outlets) && outlets.length > 0) {
    throw new DefinitionError(
      where,
      'outlets are set on an empty task, which runs no code and so emits nothing; emit from a task with run',
    );
  }
  if (runIf === undefined && skipIf === undefined) return;
  throw new DefinitionError(
    where,
    'runIf or skipIf is set on an empty task, which runs no code and so asks nothing; set it on a task with run',
  );
}
