import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import { readBoolean } from '../check-fields.ts';
import type { TaskKind, TaskPart, TaskReading } from '../read-task-spec.ts';
import { checkOwn } from '../read-inputs.ts';
import { showValue } from '../show-value.ts';
import type { TeardownSpec } from '../task-kinds.ts';
import { isTaskRef, type SetupRef } from '../task-ref.ts';
import type { Inputs } from '../task-spec.ts';
import { CODE_FIELDS, readFunction } from './common-fields.ts';

type AnyTeardownSpec = TeardownSpec<readonly SetupRef<unknown>[], Inputs, unknown, readonly AnyAsset[], unknown, unknown>;

const { triggerRule: _, ...FIELDS_WITHOUT_RULE } = CODE_FIELDS;

/** Every field of a teardown's spec; the compiler keeps the list complete. */
export const TEARDOWN_FIELDS: Readonly<Record<keyof AnyTeardownSpec, true>> = {
  ...FIELDS_WITHOUT_RULE,
  setups: true,
  failsDagRun: true,
  run: true,
};

/** A task that takes away what setups have made. */
export const TEARDOWN: TaskKind = { what: 'a teardown', fields: TEARDOWN_FIELDS, read: readTeardown };

/** The setups that a list names. Throws a `DefinitionError` for what is no setup of this dag. */
export function readSetups({ where, place }: Pick<TaskReading, 'where' | 'place'>, value: unknown): readonly string[] {
  return readRole({ where, place }, { field: 'setups', role: 'setup', made: 'd.setup()' }, value);
}

/** The teardowns that a list names. Throws a `DefinitionError` for what is no teardown of this dag. */
export function readTeardowns({ where, place }: Pick<TaskReading, 'where' | 'place'>, value: unknown): readonly string[] {
  return readRole({ where, place }, { field: 'teardowns', role: 'teardown', made: 'd.teardown()' }, value);
}

function readTeardown({ where, place, fields }: TaskReading): TaskPart {
  const setups = readSetups({ where, place }, fields['setups']);
  checkInputs({ where, place }, fields.inputs, setups);
  return {
    operator: 'function',
    code: { run: readFunction(where, 'run', fields['run']) },
    serialized: {
      triggerRule: 'all_done_setup_success',
      role: 'teardown',
      setups,
      ...(readBoolean(where, 'failsDagRun', fields['failsDagRun'], false) ? { failsDagRun: true } : {}),
    },
    upstream: setups,
  };
}

/** A setup whose value is named and whose work is not taken away may not have run: the type of the value could not be kept. */
function checkInputs({ where, place }: Pick<TaskReading, 'where' | 'place'>, inputs: unknown, setups: readonly string[]): void {
  for (const [name, ref] of Object.entries(inputs ?? {}) as [string, unknown][]) {
    if (!isTaskRef(ref) || setups.includes(ref.taskId)) continue;
    if (place.dag.tasks.get(ref.taskId)?.fields.role !== 'setup') continue;
    throw new DefinitionError(
      where,
      `inputs.${name} is the setup "${ref.taskId}", which is not one of its setups; add it: setups: [${name}]`,
    );
  }
}

interface RoleField {
  readonly field: string;
  readonly role: 'setup' | 'teardown';
  readonly made: string;
}

function readRole(
  { where, place }: Pick<TaskReading, 'where' | 'place'>,
  { field, role, made }: RoleField,
  value: unknown,
): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw new DefinitionError(where, `${field} must be a list of what ${made} returned, and not ${showValue(value)}`);
  const taskIds = value.map((item: unknown, index) => {
    if (!isTaskRef(item)) throw new DefinitionError(where, `${field}[${index}] is ${showValue(item)}; list what ${made} returned`);
    checkOwn(where, `${field}[${index}]`, item, place);
    if (place.dag.tasks.get(item.taskId)?.fields.role === role) return item.taskId;
    throw new DefinitionError(where, `${field}[${index}] is task "${item.taskId}", which is no ${role}; make it with ${made}`);
  });
  return [...new Set(taskIds)];
}
