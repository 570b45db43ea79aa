import { encodeJson, MAX_RESULT_BYTES, type Deferral, type TryDecision, type TryFailure, type TryOutcome } from '@tradewind/protocol';
import { isDeferred, type Deferred } from '../authoring/deferral.ts';
import type { TaskHandler } from '../authoring/definition.ts';
import { BadValueError, tryEndingOf } from '../errors.ts';
import { describeThrown } from './describe-thrown.ts';
import { readDecision } from './read-decision.ts';
import { REAL_CLOCK, Rescheduled } from './run-sensor.ts';
import type { CreatedTaskContext } from './task-context.ts';

/** What a task may end with besides a value. */
export interface TaskEndings {
  /** The choice that its value is. */
  readonly decision?: Parameters<typeof readDecision>[0];
  /** Names of the triggers that it may wait for. @default [] */
  readonly triggers?: readonly string[];
  /** What the task instance is to be shown by in place of its map index. */
  readonly labelOf?: (value: unknown) => Promise<string | undefined>;
  /** Epoch milliseconds. @default the machine's clock */
  readonly now?: () => number;
}

/**
 * Runs an author's function once and says how the try ended. Never rejects: whatever the function throws, or rejects with, is an outcome.
 *
 * success: the value as JSON text, the emitted events, and what a branch or a short circuit chose. rescheduled, deferred: the task wants to be called again. skipped:
 * `SkipTask`. failed: `FailTask` (`fail_without_retry`), a value or an event that is not JSON, or a choice that there is not (`bad_value`), anything else that was
 * thrown (`error`).
 */
export async function runHandler(
  handler: TaskHandler,
  inputs: Readonly<Record<string, unknown>>,
  { context, emitted }: CreatedTaskContext,
  endings: TaskEndings = {},
): Promise<TryOutcome> {
  try {
    const value = await handler(inputs, context);
    if (value instanceof Rescheduled) return { result: 'rescheduled', at: value.at };
    if (isDeferred(value)) return { result: 'deferred', deferral: readDeferral(value, endings) };
    const decision = endings.decision === undefined ? undefined : readDecision(endings.decision, value);
    const encoded = encodeJson(value, MAX_RESULT_BYTES);
    if (encoded.ok) {
      const mapIndexLabel = await endings.labelOf?.(value);
      return { result: 'success', valueJson: encoded.json, events: emitted(), ...optional({ decision, mapIndexLabel }) };
    }
    const { path, reason } = encoded.problem;
    return failed({ kind: 'bad_value', message: `the task’s value cannot be passed on: ${path} ${reason}` });
  } catch (error) {
    return outcomeOfThrown(error);
  } finally {
    emitted();
  }
}

/** A deferral as the environment takes it. Throws a `BadValueError` where the task cannot be deferred like this. */
function readDeferral(
  { trigger, stateJson, timeoutMs }: Deferred<unknown, unknown>,
  { decision, triggers = [], now = REAL_CLOCK.now }: TaskEndings,
): Deferral {
  if (decision !== undefined) {
    throw new BadValueError('the task chooses what follows it, and so cannot be deferred; wait in a task above it');
  }
  if (trigger.kind === 'code' && !triggers.includes(trigger.name)) {
    throw new BadValueError(
      `the task cannot wait for the trigger "${trigger.name}", which is not one of its triggers; add it: triggers: [${trigger.name}]`,
    );
  }
  const at = now();
  return {
    trigger: trigger.kind === 'after' ? { kind: 'timer', at: at + trigger.afterMs } : trigger,
    stateJson,
    ...(timeoutMs === undefined ? {} : { timeoutAt: at + timeoutMs }),
  };
}

function optional({ decision, mapIndexLabel }: { decision: TryDecision | undefined; mapIndexLabel: string | undefined }): object {
  return { ...(decision === undefined ? {} : { decision }), ...(mapIndexLabel === undefined ? {} : { mapIndexLabel }) };
}

function outcomeOfThrown(thrown: unknown): TryOutcome {
  const { message, detail } = describeThrown(thrown);
  const ending = tryEndingOf(thrown) ?? 'error';
  if (ending === 'skipped') return { result: 'skipped', reason: message };
  return failed(detail === undefined ? { kind: ending, message } : { kind: ending, message, detail });
}

function failed(failure: TryFailure): TryOutcome {
  return { result: 'failed', failure };
}
