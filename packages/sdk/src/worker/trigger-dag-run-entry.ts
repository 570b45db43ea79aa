import type { JsonValue, Resumption, SerializedTriggerDagRun, TaskResponse, TriggeredDagRun } from '@tradewind/protocol';
import { deferUntilRunEnds } from '../authoring/deferral.ts';
import type { TaskHandler } from '../authoring/definition.ts';
import { FailTask, SdkError, SkipTask } from '../errors.ts';
import type { Ask } from './request-channel.ts';

/** How the awaited run stood when it had ended. */
interface EndedRun {
  readonly runId: string;
  readonly state: 'success' | 'failed';
}

/**
 * What `d.triggerDagRun` does: it asks the environment for the run, and where it is to wait for it is deferred, without a slot, until the run has ended. Its value is the id of the run.
 */
export function triggerDagRunEntry(
  trigger: SerializedTriggerDagRun,
  { ask, resumption }: { readonly ask: Ask; readonly resumption?: Resumption | undefined },
): TaskHandler {
  return resumption === undefined ? (inputs) => start(trigger, inputs, ask) : () => readEnd(trigger, resumption);
}

async function start(trigger: SerializedTriggerDagRun, inputs: Readonly<Record<string, unknown>>, ask: Ask): Promise<unknown> {
  const { dagId, waitForCompletion, onExisting, failWhenDagIsPaused } = trigger;
  const response = await ask({
    kind: 'trigger_dag_run',
    dagId,
    confJson: JSON.stringify(inputs['conf'] ?? {}),
    onExisting,
    failWhenDagIsPaused,
    ...textInput(inputs, 'runId'),
    ...textInput(inputs, 'logicalDate'),
    ...textInput(inputs, 'note'),
  });
  const { runId, outcome } = readAnswer(dagId, response);
  if (outcome === 'skipped') throw new SkipTask(`run "${runId}" of dag "${dagId}" exists already`);
  return waitForCompletion ? deferUntilRunEnds({ dagId, runId }) : runId;
}

function readAnswer(dagId: string, response: TaskResponse): TriggeredDagRun {
  if (response.ok) return response.value as unknown as TriggeredDagRun;
  const message = `dag "${dagId}" could not be triggered: ${response.message}`;
  // The next try may find the environment in better health; what is wrong with the request will stay wrong.
  throw response.code === 'unavailable' ? new SdkError('request_failed', message) : new FailTask(message);
}

function readEnd({ dagId, allowedStates, failedStates }: SerializedTriggerDagRun, { event }: Resumption): JsonValue {
  if (!event.ok) throw new SdkError('deferral_failed', `the run of dag "${dagId}" could not be waited for: ${event.message}`);
  const { runId, state } = JSON.parse(event.json) as EndedRun;
  if (allowedStates.includes(state)) return runId;
  const rule = failedStates.includes(state) ? 'which fails this task' : 'which is not among the states that this task allows';
  throw new Error(`run "${runId}" of dag "${dagId}" ended in ${state}, ${rule}`);
}

/** A text input; one that is missing or null says nothing. */
function textInput(inputs: Readonly<Record<string, unknown>>, name: 'runId' | 'logicalDate' | 'note'): Readonly<Record<string, string>> {
  const value = inputs[name];
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return { [name]: value };
  throw new FailTask(`the ${name} of the run to trigger is ${JSON.stringify(value)}; it must be a text`);
}
