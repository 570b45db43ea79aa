import type { SerializedTask, WeightRule } from '../serialized-task.ts';

/** Airflow keeps weights in 32 bits and clamps what is larger. */
const LARGEST = 2_147_483_647;
const WORD = 32;

/** Edges of a graph by place. */
export interface Neighbours {
  readonly upstream: readonly (readonly number[])[];
  readonly downstream: readonly (readonly number[])[];
}

/**
 * The priority of each task: its own weight, or that and the weights of all tasks below it (`downstream`, the default) or above it (`upstream`), each task once.
 */
export function countWeights(tasks: readonly SerializedTask[], neighbours: Neighbours): number[] {
  const own = tasks.map(({ priorityWeight = 1 }) => priorityWeight);
  const uses = (wanted: WeightRule): boolean => tasks.some(({ weightRule = 'downstream' }) => weightRule === wanted);
  const below = uses('downstream') ? sumReachable(own, neighbours.downstream) : [];
  const above = uses('upstream') ? sumReachable(own, neighbours.upstream) : [];
  return tasks.map(({ weightRule = 'downstream' }, place) => {
    const others = { absolute: 0, downstream: below[place] ?? 0, upstream: above[place] ?? 0 }[weightRule];
    return Math.max(-LARGEST, Math.min(LARGEST, (own[place] ?? 1) + others));
  });
}

/** For each place the sum over all places that can be reached from it: one row of bits for each place, filled from the far end. */
function sumReachable(weights: readonly number[], next: readonly (readonly number[])[]): number[] {
  const width = Math.ceil(weights.length / WORD);
  const rows = new Map<number, Uint32Array>();
  for (const place of farthestFirst(next)) {
    const row = new Uint32Array(width);
    for (const neighbour of next[place] ?? []) {
      row[neighbour >>> 5] = (row[neighbour >>> 5] ?? 0) | (1 << (neighbour & 31));
      const reached = rows.get(neighbour);
      if (reached !== undefined) for (let word = 0; word < width; word += 1) row[word] = (row[word] ?? 0) | (reached[word] ?? 0);
    }
    rows.set(place, row);
  }
  return weights.map((_, place) => sumOfRow(rows.get(place), weights));
}

function sumOfRow(row: Uint32Array | undefined, weights: readonly number[]): number {
  let sum = 0;
  row?.forEach((bits, word) => {
    for (let rest = bits; rest !== 0; rest &= rest - 1) sum += weights[word * WORD + 31 - Math.clz32(rest & -rest)] ?? 0;
  });
  return sum;
}

/** All places in an order in which whatever follows a place comes before it. */
function farthestFirst(next: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  for (let start = 0; start < next.length; start += 1) {
    const open: { place: number; isLeft: boolean }[] = [{ place: start, isLeft: false }];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      if (step.isLeft) {
        order.push(step.place);
        continue;
      }
      if (seen.has(step.place)) continue;
      seen.add(step.place);
      open.push({ place: step.place, isLeft: true });
      for (const neighbour of next[step.place] ?? []) if (!seen.has(neighbour)) open.push({ place: neighbour, isLeft: false });
    }
  }
  return order;
}
