/** A duration as people read it, in at most six characters: `12 ms`, `3.4 s`, `75 s`, `12 min`, `5.2 h`, `40 d`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 99.5) return `${Math.round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} d`;
}

/** An instant of the API in UTC, without year and seconds, for a column that must be narrow: `11-21 12:00`; nothing for none. */
export function formatShortInstant(instant: string | null): string {
  return instant === null ? '' : instant.slice(5, 16).replace('T', ' ');
}
