/** ISO 8601 with or without time and offset, as FastAPI takes it. */
const ISO_INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads an instant as milliseconds since the epoch. A text without an offset is UTC.
 * @returns undefined for a text that is no instant
 */
export function parseInstant(text: string): number | undefined {
  const match = ISO_INSTANT.exec(text);
  if (match === null) return undefined;
  const [, date, time = '00:00', offset = 'Z'] = match;
  try {
    return Temporal.Instant.from(`${date}T${time}${offset}`).epochMilliseconds;
  } catch {
    // The right shape with no such day or hour, such as 31 February.
    return undefined;
  }
}

/** Writes an instant as Airflow does: microseconds where there is a fraction, none where there is not. */
export function writeInstant(ms: number): string {
  const iso = new Date(ms).toISOString();
  return iso.endsWith('.000Z') ? `${iso.slice(0, -5)}Z` : `${iso.slice(0, -1)}000Z`;
}

/** The same for a time that may be missing. */
export function writeInstantOrNull(ms: number | null): string | null {
  return ms === null ? null : writeInstant(ms);
}

/** Seconds between two times, null while one is missing. */
export function durationSeconds(startedAt: number | null, endedAt: number | null): number | null {
  return startedAt === null || endedAt === null ? null : (endedAt - startedAt) / 1_000;
}
