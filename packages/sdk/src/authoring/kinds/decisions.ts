import type { TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import { MAX_NAME_LENGTH, readBoolean } from '../check-fields.ts';
import type { TaskKind } from '../read-task-spec.ts';
import { showValue } from '../show-value.ts';
import type { BranchSpec, ShortCircuitSpec } from '../task-kinds.ts';
import type { Inputs, TaskOptions } from '../task-spec.ts';
import { CODE_FIELDS, readFunction, TASK_OPTION_FIELDS } from './common-fields.ts';

type AnyBranchSpec = BranchSpec<string, Inputs, TriggerRule, readonly AnyAsset[], unknown, unknown>;
type AnyShortCircuitSpec = ShortCircuitSpec<Inputs, TriggerRule, readonly AnyAsset[], unknown, unknown>;

/** The operator whose tasks the scheduler decides without starting a process. */
const LATEST_ONLY_OPERATOR = 'latest_only';

/** Every field of these specs; the compiler keeps the lists complete. */
export const BRANCH_FIELDS: Readonly<Record<keyof AnyBranchSpec, true>> = { ...CODE_FIELDS, choices: true, run: true };
export const SHORT_CIRCUIT_FIELDS: Readonly<Record<keyof AnyShortCircuitSpec, true>> = {
  ...CODE_FIELDS,
  ignoreDownstreamTriggerRules: true,
  run: true,
};
export const LATEST_ONLY_FIELDS: Readonly<Record<keyof TaskOptions | 'triggerRule', true>> = { ...TASK_OPTION_FIELDS, triggerRule: true };

/** A task that chooses which tasks below it are followed. */
export const BRANCH: TaskKind = {
  what: 'a branch',
  fields: BRANCH_FIELDS,
  read: ({ where, fields }) => ({
    operator: 'branch',
    code: { run: readFunction(where, 'run', fields['run']) },
    serialized: { decision: { kind: 'branch', choices: readChoices(where, fields['choices']) } },
  }),
};

/** A task that decides whether the run goes on below it. */
export const SHORT_CIRCUIT: TaskKind = {
  what: 'a short circuit',
  fields: SHORT_CIRCUIT_FIELDS,
  read({ where, fields }) {
    const field = 'ignoreDownstreamTriggerRules';
    const skips = readBoolean(where, field, fields[field], true) ? 'all' : 'direct';
    return {
      operator: 'short_circuit',
      code: { run: readFunction(where, 'run', fields['run']) },
      serialized: { decision: { kind: 'short_circuit', skips } },
    };
  },
};

/** A task that lets only the newest scheduled run go on. */
export const LATEST_ONLY: TaskKind = {
  what: 'a latest-only task',
  fields: LATEST_ONLY_FIELDS,
  read: () => ({ operator: LATEST_ONLY_OPERATOR, code: {}, serialized: { decision: { kind: 'latest_only' } } }),
};

function readChoices(where: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new DefinitionError(where, `choices is ${showValue(value)}; list the labels that run returns, such as ['big', 'small']`);
  }
  const bad = value.findIndex((label: unknown) => typeof label !== 'string' || label.trim() === '' || label.length > MAX_NAME_LENGTH);
  if (bad !== -1) {
    throw new DefinitionError(
      where,
      `choices[${bad}] is ${showValue(value[bad])}; a label is a text of 1 to ${MAX_NAME_LENGTH} characters`,
    );
  }
  const labels = value as readonly string[];
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice === undefined) return [...labels];
  throw new DefinitionError(where, `choices names '${twice}' twice`);
}
