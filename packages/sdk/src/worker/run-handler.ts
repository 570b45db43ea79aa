import { encodeJson, type TryFailure, type TryOutcome } from '@tradewind/protocol';
import type { TaskHandler } from '../authoring/definition.ts';
import { tryEndingOf } from '../errors.ts';
import { describeThrown } from './describe-thrown.ts';
import type { CreatedTaskContext } from './task-context.ts';

/**
 * Runs an author's function once and says how the try ended. Never rejects: whatever the function throws, or rejects with, is an outcome.
 *
 * success: the value as JSON text, and the emitted events. skipped: `SkipTask`. failed: `FailTask` (`fail_without_retry`), a value or an
 * event that is not JSON (`bad_value`, naming its path), anything else that was thrown (`error`).
 */
export async function runHandler(
  handler: TaskHandler,
  inputs: Readonly<Record<string, unknown>>,
  { context, emitted }: CreatedTaskContext,
): Promise<TryOutcome> {
  try {
    const value = await handler(inputs, context);
    const encoded = encodeJson(value);
    if (encoded.ok) return { result: 'success', valueJson: encoded.json, events: emitted() };
    const { path, reason } = encoded.problem;
    return failed({ kind: 'bad_value', message: `the task’s value cannot be passed on: ${path} ${reason}` });
  } catch (error) {
    return outcomeOfThrown(error);
  } finally {
    emitted();
  }
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
