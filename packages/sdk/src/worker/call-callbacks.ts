import type { CallbackContext as CallbackFacts, CallbackFailure, CallbackWork } from '@tradewind/protocol';
import type { CallbackHandler } from '../authoring/callbacks.ts';
import type { TaskLog } from '../authoring/task-context.ts';
import { describeThrown } from './describe-thrown.ts';

/** What every call of a list shares. */
export interface CallbackCall {
  /** Aborts when the list takes too long. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
}

/** Calls the functions of a list, one after the other; one that throws does not keep the next from being called. Returns those that threw. Never rejects. */
export async function callCallbacks(
  handlers: readonly CallbackHandler[],
  work: CallbackWork,
  call: CallbackCall,
): Promise<readonly CallbackFailure[]> {
  const failures: CallbackFailure[] = [];
  const context = Object.freeze(contextOf(work, call));
  for (const [place, handler] of handlers.entries()) {
    try {
      await handler(context);
    } catch (error) {
      const failure = { place, ...describeThrown(error) };
      call.log.error('a callback failed', failure);
      failures.push(failure);
    }
  }
  return failures;
}

function contextOf({ callbackId, context }: CallbackWork, call: CallbackCall): object {
  const { subject, logicalDate, dataIntervalStart, dataIntervalEnd, runAfter, ...rest } = context;
  return {
    ...rest,
    ...call,
    callbackId,
    logicalDate: instantOrNull(logicalDate),
    dataInterval:
      dataIntervalStart === null || dataIntervalEnd === null
        ? null
        : { start: Temporal.Instant.from(dataIntervalStart), end: Temporal.Instant.from(dataIntervalEnd) },
    runAfter: Temporal.Instant.from(runAfter),
    ...factsOf(subject),
  };
}

function factsOf(subject: CallbackFacts['subject']): object {
  switch (subject.of) {
    case 'task': {
      const { of: _, failure, skipReason, ...facts } = subject;
      return { ...facts, failure, skipReason };
    }
    case 'dag':
      return { state: subject.state, reason: subject.reason };
    case 'deadline':
      return { deadlineName: subject.name, deadlineAt: Temporal.Instant.from(subject.dueAt), runExists: subject.runExists };
  }
}

function instantOrNull(text: string | null): Temporal.Instant | null {
  return text === null ? null : Temporal.Instant.from(text);
}
