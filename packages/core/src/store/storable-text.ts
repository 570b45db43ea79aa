/** Shown where a text had a NUL, which PostgreSQL cannot store. */
const VISIBLE_NUL = '\u2400';

/** The text as both databases can store it: NUL written visibly, halves of a surrogate pair replaced. Any other text is unchanged. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', VISIBLE_NUL);
}
