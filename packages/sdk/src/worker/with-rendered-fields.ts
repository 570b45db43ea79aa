import type { SerializedTask, TryContext } from '@tradewind/protocol';
import type { TaskHandler } from '../authoring/definition.ts';
import type { TaskContext } from '../authoring/task-context.ts';
import { renderFields } from '../templates/render-fields.ts';
import type { Ask } from './request-channel.ts';

/** The task and the try whose fields are rendered. */
export interface RenderedTry {
  readonly task: SerializedTask;
  readonly tryContext: TryContext;
  readonly ask: Ask;
}

/** Operators whose field `command` is a script of a shell. */
const SCRIPT_OPERATORS: ReadonlySet<string> = new Set(['bash', 'bash_sensor']);
const SCRIPT_FIELDS = ['command'];

/**
 * The handler with what its operator was told in `context.fields`, templates rendered. What they became is told to the environment first; where it cannot keep
 * that, the task's log says so and the task goes on.
 */
export function withRenderedFields(handler: TaskHandler, { task, tryContext, ask }: RenderedTry): TaskHandler {
  const { fields, templateFields = [] } = task;
  if (fields === undefined) return handler;
  return async (inputs, given) => {
    const context = given as TaskContext;
    const scriptFields = SCRIPT_OPERATORS.has(task.operator) ? SCRIPT_FIELDS : [];
    const rendered = await renderFields({ fields, templateFields, scriptFields }, { context: tryContext, task, inputs, ask });
    if (templateFields.length > 0) {
      const response = await ask({ kind: 'rendered_fields', fields: rendered.shown });
      if (!response.ok) context.log.warning('what the templates became could not be kept', { reason: response.message });
    }
    return handler(inputs, Object.defineProperty(context, 'fields', { value: rendered.fields, enumerable: true }));
  };
}
