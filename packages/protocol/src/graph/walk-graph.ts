/** Every place that can be reached from `starts` along `next`, without the starts themselves unless a way leads back to them. */
export function reachableFrom(starts: Iterable<number>, next: (place: number) => readonly number[]): Set<number> {
  const reached = new Set<number>();
  const open = [...starts];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    for (const neighbour of next(place)) {
      if (reached.has(neighbour)) continue;
      reached.add(neighbour);
      open.push(neighbour);
    }
  }
  return reached;
}
