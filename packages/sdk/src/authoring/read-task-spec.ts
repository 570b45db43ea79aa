import { isTaskId, TRIGGER_RULES, type InputBinding, type TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isAsset, type AnyAsset } from './asset.ts';
import { checkFields, findNearest, MAX_DOC_LENGTH, MAX_NAME_LENGTH, readText, type Unchecked } from './check-fields.ts';
import type { TaskHandler } from './definition.ts';
import { EMPTY_OPERATOR, isEmptyRun } from './operators/empty.ts';
import { readAfter, readInputs, upstreamOf } from './read-inputs.ts';
import { readTaskDefaults, TASK_DEFAULT_FIELDS, type CheckedTaskDefaults } from './read-task-defaults.ts';
import { showNames, showValue } from './show-value.ts';
import type { TaskRef } from './task-ref.ts';
import type { Inputs, TaskSpec } from './task-spec.ts';

/** A task as its author wrote it, checked and with its defaults filled in. */
export interface AuthoredTask extends CheckedTaskDefaults {
  readonly taskId: string;
  readonly operator: string;
  readonly displayName: string | undefined;
  readonly doc: string | undefined;
  readonly inputs: Readonly<Record<string, InputBinding>>;
  readonly upstream: readonly string[];
  readonly triggerRule: TriggerRule;
  readonly outlets: readonly AnyAsset[];
  readonly run: TaskHandler;
}

/** What a task's spec is read against. */
export interface TaskSurroundings {
  readonly dagId: string;
  readonly defaults: CheckedTaskDefaults;
  /** The tasks defined so far, by id: a ref that is none of theirs is another dag's. */
  readonly refs: ReadonlyMap<string, TaskRef<unknown>>;
}

type AnyTaskSpec = TaskSpec<Inputs, unknown, TriggerRule, readonly AnyAsset[], unknown, unknown>;

/** Every field of a task's spec; the compiler keeps the list complete. */
export const TASK_SPEC_FIELDS: Readonly<Record<keyof AnyTaskSpec, true>> = {
  ...TASK_DEFAULT_FIELDS,
  inputs: true,
  after: true,
  run: true,
  triggerRule: true,
  outlets: true,
  operator: true,
  displayName: true,
  doc: true,
};

/** Reads what `d.task` was given. Throws a `DefinitionError` for the first thing that does not hold. */
export function readTaskSpec(surroundings: TaskSurroundings, taskId: string, spec: unknown): AuthoredTask {
  const where = `dag "${surroundings.dagId}", task ${JSON.stringify(taskId)}`;
  checkTaskId(where, taskId, surroundings);
  const fields = checkFields(where, 'a task', spec, TASK_SPEC_FIELDS);
  const inputs = readInputs(where, fields.inputs, surroundings);
  const after = readAfter(where, fields.after, surroundings);
  const task: AuthoredTask = {
    taskId,
    operator: readOperator(where, fields),
    displayName: readText(where, 'displayName', fields.displayName, MAX_NAME_LENGTH),
    doc: readText(where, 'doc', fields.doc, MAX_DOC_LENGTH),
    inputs,
    upstream: upstreamOf(inputs, after),
    triggerRule: readTriggerRule(where, fields.triggerRule),
    ...readTaskDefaults(where, fields, surroundings.defaults),
    outlets: readOutlets(where, fields.outlets),
    run: readRun(where, fields.run),
  };
  checkEmpty(where, task);
  return task;
}

function checkTaskId(where: string, taskId: string, { refs }: TaskSurroundings): void {
  if (typeof taskId !== 'string' || !isTaskId(taskId)) {
    throw new DefinitionError(where, `a task id is 1 to ${MAX_NAME_LENGTH} letters, digits, '_' and '-'`);
  }
  if (taskId.includes('.'))
    throw new DefinitionError(where, `a dot in a task id is reserved for groups; write '${taskId.replaceAll('.', '_')}'`);
  if (refs.has(taskId)) throw new DefinitionError(where, 'the dag already has a task of this id; give each its own');
}

function readOperator(where: string, { operator, run }: Unchecked<AnyTaskSpec>): string {
  const name = readText(where, 'operator', operator, MAX_NAME_LENGTH) ?? 'function';
  if (name === '') throw new DefinitionError(where, 'operator is blank; leave it out for a function');
  if (name === EMPTY_OPERATOR && !isEmptyRun(run)) {
    throw new DefinitionError(where, 'run is set on an empty task, which never runs code; leave out empty() or run');
  }
  return name;
}

function readRun(where: string, run: unknown): TaskHandler {
  if (typeof run === 'function') return run as TaskHandler;
  throw new DefinitionError(where, `run must be a function of (inputs, context) and not ${showValue(run)}`);
}

function readTriggerRule(where: string, value: unknown): TriggerRule {
  if (value === undefined) return 'all_success';
  const rule = TRIGGER_RULES.find((known) => known === value);
  if (rule !== undefined) return rule;
  const nearest = typeof value === 'string' ? findNearest(value, TRIGGER_RULES) : undefined;
  const advice = nearest === undefined ? `use ${showNames(TRIGGER_RULES)}` : `did you mean '${nearest}'?`;
  throw new DefinitionError(where, `triggerRule is ${showValue(value)}; ${advice}`);
}

function readOutlets(where: string, value: unknown): readonly AnyAsset[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new DefinitionError(where, `outlets must be a list of assets and not ${showValue(value)}`);
  return value.map((item: unknown, index) => {
    if (isAsset(item)) return item;
    throw new DefinitionError(where, `outlets[${index}] is ${showValue(item)}; list assets, as asset() returns them`);
  });
}

function checkEmpty(where: string, { operator, outlets }: AuthoredTask): void {
  if (operator !== EMPTY_OPERATOR || outlets.length === 0) return;
  throw new DefinitionError(where, 'outlets are set on an empty task, which runs no code and so emits nothing; emit from a task with run');
}
