import { decodeJson, encodeJson, type InputBinding } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { showValue } from './show-value.ts';
import { isTaskRef, type TaskRef } from './task-ref.ts';

/** The dag that is being defined, as far as refs are concerned. */
interface RefOwner {
  readonly dagId: string;
  readonly refs: ReadonlyMap<string, TaskRef<unknown>>;
}

const INPUT_NAME = /^[\p{L}_$][\p{L}\p{N}_$]{0,249}$/u;

/**
 * A task's inputs as bindings: a ref becomes an edge that carries a value, anything else a literal.
 * @throws DefinitionError for a bad name, a ref of another dag, a ref inside a list or object, or a literal that is not JSON
 */
export function readInputs(where: string, value: unknown, owner: RefOwner): Readonly<Record<string, InputBinding>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isTaskRef(value)) {
    throw new DefinitionError(where, `inputs must be an object, such as { rows }, and not ${showValue(value)}`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (!INPUT_NAME.test(name) || name === '__proto__') {
        throw new DefinitionError(where, `${showValue(name)} cannot name an input; use letters, digits and '_', not starting with a digit`);
      }
      return [name, readBinding(where, `inputs.${name}`, item, owner)];
    }),
  );
}

/** The tasks that `after` names. Throws a `DefinitionError` where an item is not a ref of this dag. */
export function readAfter(where: string, value: unknown, owner: RefOwner): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new DefinitionError(where, `after must be a list of tasks, such as [rows], and not ${showValue(value)}`);
  return value.map((item: unknown, index) => {
    if (!isTaskRef(item)) {
      throw new DefinitionError(where, `after[${index}] is ${showValue(item)}; list what d.task() returned`);
    }
    return checkOwn(where, `after[${index}]`, item, owner);
  });
}

/** Every task that must end first, each once: those behind inputs, then those of `after`. */
export function upstreamOf(inputs: Readonly<Record<string, InputBinding>>, after: readonly string[]): readonly string[] {
  const behindInputs = Object.values(inputs).flatMap((binding) => (binding.kind === 'xcom' ? [binding.taskId] : []));
  return [...new Set([...behindInputs, ...after])];
}

function readBinding(where: string, field: string, value: unknown, owner: RefOwner): InputBinding {
  if (isTaskRef(value)) return { kind: 'xcom', taskId: checkOwn(where, field, value, owner) };
  const hidden = findHiddenRef(value, field, new Set());
  if (hidden !== undefined) {
    throw new DefinitionError(
      where,
      `${hidden.path} is the ref of task "${hidden.ref.taskId}"; name a ref as an input of its own: inputs: { ${hidden.ref.taskId}: … }`,
    );
  }
  const encoded =
    value === undefined ? { ok: false as const, problem: { path: '$', reason: 'is undefined; use null' } } : encodeJson(value);
  if (encoded.ok) return { kind: 'literal', value: decodeJson(encoded.json) };
  const { path, reason } = encoded.problem;
  throw new DefinitionError(where, `${field}${path.slice(1)} ${reason}`);
}

function checkOwn(where: string, field: string, ref: TaskRef<unknown>, { dagId, refs }: RefOwner): string {
  if (refs.get(ref.taskId) === ref) return ref.taskId;
  const owner = ref.dagId === dagId ? 'another definition of this dag' : `dag "${ref.dagId}"`;
  throw new DefinitionError(
    where,
    `${field} is task "${ref.taskId}" of ${owner}; only tasks of the same dag can be named, dags depend on each other by assets`,
  );
}

function findHiddenRef(value: unknown, path: string, seen: Set<object>): { path: string; ref: TaskRef<unknown> } | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
  if (isTaskRef(value)) return { path, ref: value };
  seen.add(value);
  const isList = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    const found = findHiddenRef(item, isList ? `${path}[${key}]` : `${path}.${key}`, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
