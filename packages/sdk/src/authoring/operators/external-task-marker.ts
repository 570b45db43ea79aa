import { isTaskId } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import { checkFields, readWholeNumber } from '../check-fields.ts';
import { readDagId } from '../kinds/trigger-dag-run.ts';
import { showValue } from '../show-value.ts';
import type { DagOrId } from '../task-kinds.ts';
import type { OperatorSpec } from '../task-spec.ts';

/** The task of another dag that a marker stands for. */
export interface ExternalTaskMarkerOptions {
  /** The dag, or its id. */
  readonly dag: DagOrId;
  readonly task: string;
  /** How many markers are followed from dag to dag. @default 10 */
  readonly recursionDepth?: number;
}

/**
 * A task that does nothing but say that a task of another dag depends on it: clearing it and what is below it clears that task, too.
 *
 * @example
 * d.task('feeds_report', { ...externalTaskMarker({ dag: 'report', task: 'wait_for_orders' }), after: [load] });
 */
export function externalTaskMarker(options: ExternalTaskMarkerOptions): OperatorSpec<null> {
  const where = 'externalTaskMarker()';
  const fields = checkFields(where, 'its options', options, { dag: true, task: true, recursionDepth: true });
  if (typeof fields.task !== 'string' || !isTaskId(fields.task)) {
    throw new DefinitionError(where, `task is ${showValue(fields.task)}; give the id of a task of that dag`);
  }
  const depth = readWholeNumber(where, 'recursionDepth', fields.recursionDepth, { minimum: 1, maximum: 100, otherwise: 10 });
  return {
    operator: 'external_task_marker',
    fields: { dagId: readDagId(where, fields.dag), taskId: fields.task, recursionDepth: depth },
    run: () => null,
  };
}
