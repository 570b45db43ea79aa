import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder } from '../testing/test-bundle.ts';
import { watchOutOfMemoryKills } from './out-of-memory-kills.ts';

test('tells each increase of the kernel’s counter once', async () => {
  using folder = createTestFolder();
  const file = path.join(folder.path, 'vmstat');
  const count = (kills: number): void => writeFileSync(file, `nr_free_pages 1\noom_kill ${kills}\noom_kill_other 9\n`);
  count(4);
  const kills = watchOutOfMemoryKills(file);
  expect(await kills.haveIncreased()).toBe(false);
  count(5);
  expect([await kills.haveIncreased(), await kills.haveIncreased()]).toEqual([true, false]);
});

test('tells none where the system does not count', async () => {
  const kills = watchOutOfMemoryKills('/nowhere');
  expect(await kills.haveIncreased()).toBe(false);
});
