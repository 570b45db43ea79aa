/**
 * An instant as processes of author code are told it: ISO 8601 in UTC.
 * @param at milliseconds since the epoch; null stays null
 */
export function instantOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
