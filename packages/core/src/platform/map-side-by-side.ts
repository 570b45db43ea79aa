/** Waiting for a disk, or for a bucket, takes longer than what is done with its answers; a few more than libuv has threads keep them all busy. */
const LANES = 8;

/**
 * What `work` makes of each item, in the order of the items; several are under way at the same time. Where one rejects, no further one is begun and this rejects.
 */
export async function mapSideBySide<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (hasFailed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane));
  return results;
}
