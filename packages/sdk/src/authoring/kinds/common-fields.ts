import type { TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import type { TaskHandler } from '../definition.ts';
import { TASK_DEFAULT_FIELDS } from '../read-task-defaults.ts';
import { showValue } from '../show-value.ts';
import type { CodeOptions, RuleAndOutlets, TaskOptions } from '../task-spec.ts';

type AnyCodeOptions = CodeOptions<unknown, unknown> & RuleAndOutlets<TriggerRule, readonly AnyAsset[]>;

/** The fields of every kind of task; the compiler keeps the list complete. */
export const TASK_OPTION_FIELDS: Readonly<Record<keyof TaskOptions, true>> = {
  ...TASK_DEFAULT_FIELDS,
  after: true,
  displayName: true,
  doc: true,
};

/** The fields of every kind of task that runs the author's code; the compiler keeps the list complete. */
export const CODE_FIELDS: Readonly<Record<keyof AnyCodeOptions | 'inputs', true>> = {
  ...TASK_OPTION_FIELDS,
  inputs: true,
  triggerRule: true,
  outlets: true,
  inlets: true,
  variables: true,
  connections: true,
  operator: true,
  fields: true,
  templateFields: true,
  runIf: true,
  skipIf: true,
};

/** The author's function under its name. Throws a `DefinitionError` for anything else. */
export function readFunction(where: string, field: string, value: unknown): TaskHandler {
  if (typeof value === 'function') return value as TaskHandler;
  throw new DefinitionError(where, `${field} must be a function of (inputs, context) and not ${showValue(value)}`);
}
