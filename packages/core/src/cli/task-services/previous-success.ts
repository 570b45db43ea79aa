import type { JsonValue, PreviousSuccess, TaskResponse } from '@tradewind/protocol';
import { instantOrNull } from '../../model/instant-text.ts';
import type { Database } from '../../store/database.ts';
import type { LiveAttempt } from '../../store/reads/attempts.ts';
import { findPreviousSuccess } from '../../store/reads/previous-success.ts';

/** Dates of the newest run of the attempt's dag that succeeded before its own; null where there is none, and for a run without a logical date, which comes after no other. */
export async function answerPreviousSuccess(database: Database, { dagId, logicalAt }: LiveAttempt): Promise<TaskResponse> {
  const run = logicalAt === null ? undefined : await findPreviousSuccess(database, dagId, logicalAt);
  if (run === undefined) return { ok: true, value: null };
  const previous: PreviousSuccess = {
    dataIntervalStart: instantOrNull(run.intervalStartAt),
    dataIntervalEnd: instantOrNull(run.intervalEndAt),
    startDate: instantOrNull(run.startedAt),
    endDate: instantOrNull(run.endedAt),
  };
  return { ok: true, value: previous as unknown as JsonValue };
}
