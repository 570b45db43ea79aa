import type { JsonObject, LogRecord } from '@tradewind/protocol';

/** The supervisor's first word on an attempt, in its log. */
export function startNote(pid: number | undefined, tryNumber: number): JsonObject & { readonly event: string } {
  return { event: 'task started', ...(pid === undefined ? {} : { pid }), try_number: tryNumber };
}

/** Its last word on one that succeeded. */
export function successNote(durationMs: number, events: number): JsonObject & { readonly event: string } {
  return { event: 'task ended', result: 'success', duration_ms: Math.round(durationMs * 1_000) / 1_000, events };
}

/** What is stored of a try that has succeeded. */
export interface SucceededTry {
  readonly tryNumber: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly pid: number | null;
}

/** The whole log of a try that printed nothing, emitted nothing and succeeded: it follows from its row. */
export function quietLog({ tryNumber, startedAt, endedAt, pid }: SucceededTry): readonly LogRecord[] {
  const record = (at: number, note: JsonObject & { readonly event: string }): LogRecord => ({
    ...note,
    timestamp: new Date(at).toISOString(),
    level: 'info',
    logger: 'supervisor',
  });
  return [record(startedAt, startNote(pid ?? undefined, tryNumber)), record(endedAt, successNote(endedAt - startedAt, 0))];
}
