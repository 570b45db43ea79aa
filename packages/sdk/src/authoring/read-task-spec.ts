import {
  DEFAULT_POOL,
  DEFAULT_QUEUE,
  isTaskId,
  type InputBinding,
  type JsonObject,
  type SerializedTask,
  type TriggerRule,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { readTaskAssets } from './asset-lists.ts';
import { checkTemplates } from '../templates/check-templates.ts';
import type { WeighedTask } from './callbacks.ts';
import { checkFields, MAX_DOC_LENGTH, MAX_NAME_LENGTH, readText, type Unchecked } from './check-fields.ts';
import type { AuthoredTask, Edges, Place, TaskCode } from './open-dag.ts';
import { present } from './present.ts';
import { readAfter } from './read-after.ts';
import { readInputs, readLiteral, tasksBehind } from './read-inputs.ts';
import { readNames } from './read-lists.ts';
import { readTaskDefaults, weigh } from './read-task-defaults.ts';
import { readTriggerRule } from './read-trigger-rule.ts';
import { showValue } from './show-value.ts';
import { withConditions } from './task-conditions.ts';
import type { CodeOptions } from './task-spec.ts';

/** The fields that some kind of task has, all unchecked; each kind names those that it takes. */
export type TaskFields = Unchecked<CodeOptions<unknown, unknown> & Record<'inputs' | 'outlets' | 'triggerRule', unknown>> &
  Readonly<Record<string, unknown>>;

/** A kind of task: which fields its spec has, and how those that are its own are read. */
export interface TaskKind {
  /** As in `'retry' is not a field of a task`. */
  readonly what: string;
  readonly fields: Readonly<Record<string, true>>;
  readonly read: (reading: TaskReading) => TaskPart;
}

/** What a kind reads its own fields from. */
export interface TaskReading {
  readonly where: string;
  readonly taskId: string;
  readonly place: Place;
  readonly fields: TaskFields;
}

/** What a kind of task says about a task, beside what all of them have. */
export interface TaskPart {
  /** Taken where the spec names no operator. */
  readonly operator: string;
  readonly code: TaskCode;
  readonly serialized?: Partial<SerializedTask>;
  readonly inputs?: Readonly<Record<string, InputBinding>>;
  /** Tasks that must end first, beside those of `inputs` and `after`. */
  readonly upstream?: readonly string[];
}

/** Reads what a method of a builder was given. Throws a `DefinitionError` for the first thing that does not hold. */
export function readTaskSpec(kind: TaskKind, place: Place, taskId: string, spec: unknown): AuthoredTask {
  const id = fullId(place, taskId);
  const where = `dag "${place.dag.dagId}", task ${JSON.stringify(id)}`;
  checkTaskId(where, taskId, id, place);
  const fields = checkFields(where, kind.what, spec, kind.fields) as TaskFields;
  const reading = { where, taskId: id, place, fields };
  const edges = readAfter(where, fields.after, place);
  const inputs = readInputs(where, fields.inputs, place);
  const part = kind.read(reading);
  return assemble(reading, { ...part, inputs: { ...inputs, ...part.inputs } }, edges);
}

/** The id of a task or a group inside of the groups around it. */
export function fullId({ group }: Place, id: string): string {
  return typeof id === 'string' ? `${group?.prefix ?? ''}${id}` : id;
}

function assemble(reading: TaskReading, part: TaskPart & Required<Pick<TaskPart, 'inputs'>>, edges: Edges): AuthoredTask {
  const { where, taskId, place, fields } = reading;
  const defaults = readTaskDefaults(where, fields, place.defaults);
  const described = {
    taskId,
    operator: readOperator(where, fields.operator) ?? part.operator,
    ...present({
      displayName: readText(where, 'displayName', fields.displayName, MAX_NAME_LENGTH),
      doc: readText(where, 'doc', fields.doc, MAX_DOC_LENGTH),
      groupId: place.group?.groupId,
    }),
    inputs: part.inputs,
    triggerRule: readRule(reading),
    ...part.serialized,
    ...defaults.fields,
    ...readDeclarations(where, fields),
  };
  return {
    taskId,
    fields: { ...described, ...weigh(where, defaults, describeForWeight(place.dag.dagId, described)) },
    upstream: new Set([...tasksBehind(part.inputs, place), ...(part.upstream ?? []), ...edges.upstream]),
    followedOn: new Map([...edges.followedOn].map(([branchId, labels]) => [branchId, new Set(labels)])),
    ...readTaskAssets(where, fields),
    callbacks: defaults.callbacks,
    code: withConditions(where, fields, part.code),
    mappedGroupId: place.mappedGroup?.groupId,
  };
}

function checkTaskId(where: string, taskId: unknown, id: string, { dag }: Place): void {
  if (typeof taskId !== 'string' || !isTaskId(id)) {
    throw new DefinitionError(where, `a task id is 1 to ${MAX_NAME_LENGTH} letters, digits, '_' and '-'`);
  }
  if (taskId.includes('.')) {
    throw new DefinitionError(where, `a dot in a task id is reserved for groups; write '${taskId.replaceAll('.', '_')}'`);
  }
  if (dag.tasks.has(id)) throw new DefinitionError(where, 'the dag already has a task of this id; give each its own');
  if (dag.groups.has(id)) throw new DefinitionError(where, 'the dag already has a group of this id; tasks and groups share their ids');
}

function readOperator(where: string, value: unknown): string | undefined {
  const name = readText(where, 'operator', value, MAX_NAME_LENGTH);
  if (name === '') throw new DefinitionError(where, 'operator is blank; leave it out for a function');
  return name;
}

function readRule({ where, fields, place }: TaskReading): TriggerRule {
  const rule = readTriggerRule(where, fields.triggerRule);
  if (rule !== 'always' || place.mappedGroup === undefined) return rule;
  throw new DefinitionError(
    where,
    `triggerRule is 'always' inside of the mapped group "${place.mappedGroup.groupId}", whose size must be known before anything in it runs; use 'all_done'`,
  );
}

function readDeclarations(where: string, fields: TaskFields): Partial<SerializedTask> {
  const operatorFields = readFields(where, fields.fields);
  const templateFields = readNames(where, 'templateFields', fields.templateFields);
  const named = checkTemplates(where, operatorFields, templateFields);
  return present({
    fields: operatorFields,
    templateFields,
    variables: joinNames(readNames(where, 'variables', fields.variables), named.variables),
    connections: joinNames(readNames(where, 'connections', fields.connections), named.connections),
  });
}

/** What a template names needs no declaration of its own. */
function joinNames(declared: readonly string[] | undefined, named: readonly string[]): readonly string[] | undefined {
  return named.length === 0 ? declared : [...new Set([...(declared ?? []), ...named])];
}

function readFields(where: string, value: unknown): JsonObject | undefined {
  if (value === undefined) return undefined;
  const fields = readLiteral(where, 'fields', value);
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return fields as JsonObject;
  throw new DefinitionError(where, `fields is ${showValue(value)}; give an object of values by name`);
}

function describeForWeight(dagId: string, task: Omit<AuthoredTask['fields'], 'isolation'>): WeighedTask {
  const { taskId, operator, groupId, priorityWeight = 1, pool = DEFAULT_POOL, queue = DEFAULT_QUEUE, retries, fields = {} } = task;
  return { dagId, taskId, operator, groupId, priorityWeight, pool, queue, retries, fields };
}
