import { decodeJson, type Resumption, type SerializedTask, type TryContext } from '@tradewind/protocol';
import type { ResumeHandler, TaskHandler } from '../authoring/definition.ts';
import { SdkError } from '../errors.ts';
import { REAL_CLOCK, sensorHandler, type SensorClock } from './run-sensor.ts';

/** The code of a task, and what decides how it is entered. */
export interface TaskCodeParts {
  readonly handler: TaskHandler;
  readonly resume?: ResumeHandler;
  readonly task?: Pick<SerializedTask, 'sensor'>;
}

/** The try that enters it. */
export interface EnteredTry {
  readonly tryContext: TryContext;
  /** Set where the task was deferred. */
  readonly resumption?: Resumption;
  /** @default the machine's */
  readonly clock?: SensorClock;
}

/**
 * What a try calls: a task's function, its `resume` where it was deferred, or a sensor's poke as often as it takes. A task without `resume` passes the event on
 * as it is.
 */
export function taskEntry(
  { handler, resume, task }: TaskCodeParts,
  { tryContext, resumption, clock = REAL_CLOCK }: EnteredTry,
): TaskHandler {
  if (resumption !== undefined) return resumeHandler(resumption, resume);
  return task?.sensor === undefined ? handler : sensorHandler(task.sensor, handler, tryContext, clock);
}

function resumeHandler({ event, stateJson }: Resumption, resume: ResumeHandler | undefined): TaskHandler {
  return (inputs, context) => {
    if (!event.ok) throw new SdkError('deferral_failed', `what the task waited for did not come: ${event.message}`);
    const happened = decodeJson(event.json);
    return resume === undefined ? happened : resume(happened, inputs, context, decodeJson(stateJson));
  };
}
