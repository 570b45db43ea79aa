/** A length of time in words, such as `{ minutes: 5 }`; the parts add up. */
export interface Duration {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

const UNIT_MS = { milliseconds: 1, seconds: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;

/** The longest duration that is accepted: a hundred years, so that sums of times stay exact integers. */
export const MAX_DURATION_MS = 36_525 * UNIT_MS.days;

/**
 * A duration in milliseconds.
 * @returns undefined where a part is not a finite number of at least 0, a key is not a unit, or the sum passes `MAX_DURATION_MS`.
 */
export function durationMs(duration: Duration): number | undefined {
  let total = 0;
  for (const [unit, value] of Object.entries(duration) as [string, unknown][]) {
    if (!Object.hasOwn(UNIT_MS, unit)) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined;
    total += value * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total <= MAX_DURATION_MS ? Math.round(total) : undefined;
}
