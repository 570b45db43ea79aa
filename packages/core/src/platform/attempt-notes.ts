import type { LogLevel, LogRecord, TryOutcome } from '@tradewind/protocol';

/** What the supervisor says of an attempt: an event and its fields. */
export type Note = Readonly<Record<string, unknown>> & { readonly event: string };

/** Its first word, in the log of the try. */
export function startNote(pid: number | undefined, tryNumber: number): Note {
  return { event: 'task started', ...(pid === undefined ? {} : { pid }), try_number: tryNumber };
}

/** How its last word begins. */
export function endNote(result: TryOutcome['result'], durationMs: number): Note {
  return { event: 'task ended', result, duration_ms: Math.round(durationMs * 1_000) / 1_000 };
}

/** Its last word on an attempt that succeeded. */
export function successNote(durationMs: number, events: number): Note {
  return { ...endNote('success', durationMs), events };
}

/**
 * A note as it stands in the log.
 * @param timestamp ISO 8601 in UTC
 */
export function noteRecord(note: Note, timestamp: string, level: LogLevel): LogRecord {
  return { ...note, timestamp, level, logger: 'supervisor' };
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
  const record = (at: number, note: Note): LogRecord => noteRecord(note, new Date(at).toISOString(), 'info');
  return [record(startedAt, startNote(pid ?? undefined, tryNumber)), record(endedAt, successNote(endedAt - startedAt, 0))];
}
