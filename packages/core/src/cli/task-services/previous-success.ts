import type { JsonValue, PreviousSuccess, TaskResponse } from '@tradewind/protocol';
import type { Database } from '../../store/database.ts';
import type { LiveAttempt } from '../../store/reads/attempts.ts';
import { findPreviousSuccess } from '../../store/reads/previous-success.ts';

/** Dates of the newest run of the attempt's dag that succeeded before its own; null where there is none, and for a run without a logical date, which comes after no other. */
export async function answerPreviousSuccess(database: Database, { dagId, logicalAt }: LiveAttempt): Promise<TaskResponse> {
  const run = logicalAt === null ? undefined : await findPreviousSuccess(database, dagId, logicalAt);
  if (run === undefined) return { ok: true, value: null };
  const previous: PreviousSuccess = {
    dataIntervalStart: toInstant(run.intervalStartAt),
    dataIntervalEnd: toInstant(run.intervalEndAt),
    startDate: toInstant(run.startedAt),
    endDate: toInstant(run.endedAt),
  };
  return { ok: true, value: previous as unknown as JsonValue };
}

function toInstant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
