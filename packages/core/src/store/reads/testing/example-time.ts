/** The instant that everything in the examples is told from: 2026-11-21T12:00:00Z. */
export const EXAMPLE_NOW = Date.UTC(2026, 10, 21, 12);

/** Milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
