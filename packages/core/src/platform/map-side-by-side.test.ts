import { expect, test } from 'vitest';
import { mapSideBySide } from './map-side-by-side.ts';

const HUNDRED = Array.from({ length: 100 }, (_, index) => index);

test('results are in the order of the items, whichever is done first', async () => {
  let order = 0;
  const done: number[] = [];
  const results = await mapSideBySide(HUNDRED, async (item) => {
    order += 1;
    // Every third one takes some turns longer.
    for (let turn = order % 3; turn > 0; turn -= 1) await Promise.resolve();
    done.push(item);
    return item * 2;
  });
  expect(results).toEqual(HUNDRED.map((item) => item * 2));
  expect(done).not.toEqual(HUNDRED);
});

test('no more than eight are under way', async () => {
  let underWay = 0;
  let most = 0;
  await mapSideBySide(HUNDRED, async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
  });
  expect(most).toBe(8);
});

test('nothing is begun after a failure, and the failure is told', async () => {
  const begun: number[] = [];
  const mapped = mapSideBySide(HUNDRED, async (item) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 3) throw new Error('the disk is full');
  });
  await expect(mapped).rejects.toThrow('the disk is full');
  expect(begun.length).toBeLessThan(20);
});

test('of nothing there is nothing', async () => {
  expect(await mapSideBySide([], () => Promise.reject(new Error('never called')))).toEqual([]);
});
