import type { TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import { readText } from '../check-fields.ts';
import type { Expand } from '../expand.ts';
import { EMPTY_OPERATOR } from '../operators/empty.ts';
import { present } from '../present.ts';
import { readExpansion } from '../read-expansion.ts';
import { tasksOfExpansion } from '../read-inputs.ts';
import type { TaskKind, TaskPart, TaskReading } from '../read-task-spec.ts';
import type { MappedTaskSpec } from '../task-kinds.ts';
import type { Inputs } from '../task-spec.ts';
import { CODE_FIELDS } from './common-fields.ts';
import { readDeferrableCode } from './function-task.ts';

type AnyMappedSpec = MappedTaskSpec<Expand, Inputs, unknown, TriggerRule, readonly AnyAsset[], unknown, unknown, unknown>;

/** Every field of a mapped task's spec; the compiler keeps the list complete. */
export const MAPPED_TASK_FIELDS: Readonly<Record<keyof AnyMappedSpec, true>> = {
  ...CODE_FIELDS,
  run: true,
  resume: true,
  triggers: true,
  expand: true,
  mapIndexTemplate: true,
};

const MAX_TEMPLATE_LENGTH = 4_096;

/** A task that runs once for each element of a list. */
export const MAPPED_TASK: TaskKind = { what: 'a mapped task', fields: MAPPED_TASK_FIELDS, read: readMappedTask };

function readMappedTask({ where, place, fields }: TaskReading): TaskPart {
  if (place.mappedGroup !== undefined) {
    throw new DefinitionError(
      where,
      `it is mapped, and so is the group "${place.mappedGroup.groupId}" around it; return the list from the group and map over it outside`,
    );
  }
  if (fields.operator === EMPTY_OPERATOR)
    throw new DefinitionError(where, 'it maps empty(), which does nothing however often; use d.task()');
  const expand = readExpansion(where, fields['expand'], place, Object.keys(fields.inputs ?? {}));
  const mapIndexTemplate = readText(where, 'mapIndexTemplate', fields['mapIndexTemplate'], MAX_TEMPLATE_LENGTH);
  if (mapIndexTemplate?.trim() === '') throw new DefinitionError(where, 'mapIndexTemplate is blank; leave it out to show the map index');
  return {
    operator: 'function',
    code: readDeferrableCode(where, fields),
    serialized: { expand, ...present({ mapIndexTemplate }) },
    upstream: tasksOfExpansion(expand),
  };
}
