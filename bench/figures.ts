/** What a benchmark prints; times in milliseconds. */
export type Figures = Readonly<Record<string, number | string>>;

/** The three percentiles of a list of times, rounded to microseconds. */
export function percentiles(timesMs: readonly number[]): { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number } {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN);
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

/** Three decimals. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** Milliseconds on the clock that all processes of a machine share and nobody sets. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
