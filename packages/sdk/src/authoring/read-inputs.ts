import { decodeJson, encodeJson, type InputBinding, type JsonValue, type MapSource, type SerializedExpansion } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isBranchChoice, isGroupRef } from './group-ref.ts';
import { isExpandedRef, isTaskRef, showRef, type InputRef } from './task-ref.ts';
import type { Place } from './open-dag.ts';
import { showValue } from './show-value.ts';

const INPUT_NAME = /^[\p{L}_$][\p{L}\p{N}_$]{0,249}$/u;

/**
 * A task's inputs as bindings: a ref becomes an edge that carries a value, anything else a literal.
 * @throws DefinitionError for a bad name, a ref of another dag, a ref inside a list or object, or a literal that is not JSON
 */
export function readInputs(where: string, value: unknown, place: Place): Readonly<Record<string, InputBinding>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isTaskRef(value)) {
    throw new DefinitionError(where, `inputs must be an object, such as { rows }, and not ${showValue(value)}`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      checkInputName(where, name);
      return [name, readBinding(where, `inputs.${name}`, item, place)];
    }),
  );
}

/** Throws a `DefinitionError` where a text cannot name an input. */
export function checkInputName(where: string, name: string): void {
  if (INPUT_NAME.test(name) && name !== '__proto__') return;
  throw new DefinitionError(where, `${showValue(name)} cannot name an input; use letters, digits and '_', not starting with a digit`);
}

/** The tasks that must have ended for these inputs to have their values. */
export function tasksBehind(inputs: Readonly<Record<string, InputBinding>>, place: Place): readonly string[] {
  return Object.values(inputs).flatMap((binding) => {
    if (binding.kind === 'xcom') return [binding.taskId];
    return binding.kind === 'expanded' ? sourcesOf(place, binding.name) : [];
  });
}

/** One input: a ref of this dag, or a literal. Throws a `DefinitionError` for anything else. */
export function readBinding(where: string, field: string, value: unknown, place: Place): InputBinding {
  if (isTaskRef(value)) {
    checkOwn(where, field, value, place);
    return { kind: 'xcom', taskId: value.taskId };
  }
  if (isExpandedRef(value)) {
    checkOwn(where, field, value, place);
    return { kind: 'expanded', name: value.name };
  }
  return { kind: 'literal', value: readLiteral(where, field, value) };
}

/** A value that JSON carries. Throws a `DefinitionError` for any other, and for a ref inside of it. */
export function readLiteral(where: string, field: string, value: unknown): JsonValue {
  const node = nameOfEdge(value);
  if (node !== undefined)
    throw new DefinitionError(where, `${field} is ${node}, which has no value; name it in after, or a task in inputs`);
  const hidden = findHiddenRef(value, field, new Set());
  if (hidden !== undefined) {
    const name = isTaskRef(hidden.ref) ? hidden.ref.taskId : 'name';
    throw new DefinitionError(
      where,
      `${hidden.path} is the ref of ${showRef(hidden.ref)}; name a ref as an input of its own: inputs: { ${name}: … }`,
    );
  }
  if (value === undefined) throw new DefinitionError(where, `${field} is undefined; use null`);
  const encoded = encodeJson(value);
  if (encoded.ok) return decodeJson(encoded.json);
  const { path, reason } = encoded.problem;
  throw new DefinitionError(where, `${field}${path.slice(1)} ${reason}`);
}

/** What is for `after` alone, in words. */
function nameOfEdge(value: unknown): string | undefined {
  if (isGroupRef(value)) return `the group "${value.groupId}"`;
  return isBranchChoice(value) ? `a choice of "${value.branchId}"` : undefined;
}

/**
 * Checks that a ref is of the dag that is being defined, and that it can be named here.
 * @throws DefinitionError naming the other dag, or the mapped group that it belongs inside of
 */
export function checkOwn(where: string, field: string, ref: InputRef<unknown>, { dag, mappedGroup }: Place): void {
  if (!dag.refs.has(ref)) {
    const owner = ref.dagId === dag.dagId ? 'another definition of this dag' : `dag "${ref.dagId}"`;
    throw new DefinitionError(
      where,
      `${field} is ${showRef(ref)} of ${owner}; only tasks of the same dag can be named, dags depend on each other by assets`,
    );
  }
  const inside = dag.refs.get(ref);
  if (inside === undefined || inside === mappedGroup?.groupId) return;
  const advice = isExpandedRef(ref)
    ? 'only tasks inside of it can name what one of its indices is given'
    : `outside of the mapped group "${inside}" name what mappedGroup() returned: return the ref from its callback and take it from refs`;
  throw new DefinitionError(where, `${field} is ${showRef(ref)}; ${advice}`);
}

function sourcesOf({ mappedGroup }: Place, name: string): readonly string[] {
  const { expand } = mappedGroup?.serialized ?? {};
  if (expand === undefined) return [];
  return tasksOfExpansion(expand.kind === 'sets' ? expand : { ...expand, over: expand.over.filter((one) => one.name === name) });
}

/** The tasks that must have ended for an expansion to be known. */
export function tasksOfExpansion(expand: SerializedExpansion): readonly string[] {
  const sources = expand.kind === 'sets' ? [expand.source] : expand.over.map(({ source }) => source);
  return [...new Set(sources.flatMap(tasksOfSource))];
}

function tasksOfSource(source: MapSource): readonly string[] {
  switch (source.kind) {
    case 'xcom':
      return [source.taskId];
    case 'literal':
      return [];
    case 'zip':
    case 'concat':
      return source.of.flatMap(tasksOfSource);
  }
}

function findHiddenRef(value: unknown, path: string, seen: Set<object>): { path: string; ref: InputRef<unknown> } | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
  if (isTaskRef(value) || isExpandedRef(value)) return { path, ref: value };
  seen.add(value);
  const isList = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    const found = findHiddenRef(item, isList ? `${path}[${key}]` : `${path}.${key}`, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
