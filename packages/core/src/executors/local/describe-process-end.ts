import { MAX_FAILURE_DETAIL_LENGTH, type TryFailure } from '@tradewind/protocol';
import type { ProcessEnd } from '../../platform/child-process.ts';

/** What else is known of a process that ended without a result. */
export interface ProcessEndFacts {
  readonly stderrTail: string;
  readonly maxHeapMegabytes: number;
  /** The kernel ended some process because memory ran out, at about the time. */
  readonly isOutOfMemoryKill: boolean;
}

/** Why a try whose process ended before it reported a result has failed. An exit code of 0 is no success: only a result is (fault K8). */
export function describeProcessEnd({ exitCode, signal }: ProcessEnd, facts: ProcessEndFacts): TryFailure {
  const detail = cleanTail(facts.stderrTail);
  const withDetail = (failure: TryFailure): TryFailure => (detail === '' ? failure : { ...failure, detail });
  if (facts.stderrTail.includes('heap out of memory')) {
    return withDetail({
      kind: 'out_of_memory',
      message: `the process needed more than ${facts.maxHeapMegabytes} MB of heap; work on less at a time, or raise the limit of the executor`,
    });
  }
  if (signal === 'SIGKILL' && facts.isOutOfMemoryKill) {
    return withDetail({ kind: 'out_of_memory', message: 'the kernel ended the process (SIGKILL) because the machine ran out of memory' });
  }
  if (signal !== null) return withDetail({ kind: 'crashed', message: `the process was ended by ${signal} before it reported a result` });
  if (exitCode === 0) {
    const message = 'the process ended with exit code 0 before it reported a result; return from the task instead of ending its process';
    return withDetail({ kind: 'no_result', message });
  }
  return withDetail({ kind: 'crashed', message: `the process ended with exit code ${exitCode} before it reported a result` });
}

function cleanTail(text: string): string {
  return text.trim().slice(-MAX_FAILURE_DETAIL_LENGTH).replaceAll('\0', '\uFFFD').toWellFormed();
}
