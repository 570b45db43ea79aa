import { createCronTicks } from '../cron.ts';
import { parseCron } from '../parse-cron.ts';
import { listDueInstants, type Segment, type WallTimes } from './reference-cron.ts';

/** One cron in one zone, over a stretch of time. */
export interface Comparison {
  readonly expression: string;
  readonly timezone: string;
  readonly walls: WallTimes;
  readonly segments: readonly Segment[];
  readonly from: number;
  readonly to: number;
}

/** Every how many instants the search back is compared, too. */
const SEARCHED_BACK = 29;

/**
 * Compares every instant at which a cron is due with what the reference says.
 * @returns how many there are, and the first difference in words; undefined where there is none
 */
export function compareCron({ expression, timezone, walls, segments, from, to }: Comparison): {
  readonly count: number;
  readonly difference?: string;
} {
  const parsed = parseCron(expression);
  if (!parsed.ok) return { count: 0, difference: parsed.message };
  const expected = listDueInstants(walls, segments, from, to);
  const ticks = createCronTicks(parsed.cron, timezone);
  let at = ticks.nextAfter(from - 1);
  for (const [index, wanted] of expected.entries()) {
    if (at !== wanted) return { count: index, difference: describe({ expression, timezone, found: at, wanted }) };
    if (index > 0 && index % SEARCHED_BACK === 0) {
      const previous = ticks.previousAtOrBefore(wanted - 1);
      if (previous !== expected[index - 1]) {
        return { count: index, difference: `back, ${describe({ expression, timezone, found: previous, wanted: expected[index - 1] })}` };
      }
    }
    at = ticks.nextAfter(wanted);
  }
  if (at === undefined || at >= to) return { count: expected.length };
  return { count: expected.length, difference: describe({ expression, timezone, found: at, wanted: undefined }) };
}

function describe(seen: { expression: string; timezone: string; found: number | undefined; wanted: number | undefined }): string {
  const show = (at: number | undefined): string => (at === undefined ? 'none' : new Date(at).toISOString());
  return `${seen.expression} in ${seen.timezone}: ${show(seen.found)} and not ${show(seen.wanted)}`;
}
