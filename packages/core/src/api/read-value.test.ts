import { expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createMemoryValues } from '../platform/testing/memory-values.ts';
import { LargeValues } from '../platform/value-store.ts';
import { readValue } from './read-value.ts';

const store = createMemoryValues();
const largeValues = new LargeValues({ store, offloadBytes: 0, log: silentLog });

test('a value that lies elsewhere is shown as one that is in its row', async () => {
  const offloaded = await store.put('run-1', '{"rows":[1]}');
  expect(await readValue({ largeValues }, { value: null, offloaded })).toEqual({ rows: [1] });
  expect(await readValue({ largeValues }, { value: [1], offloaded: undefined })).toEqual([1]);
});

test('a value of more than 8 MiB is refused with its size, and not read', async () => {
  const offloaded = { store: 'memory', key: 'run-1/none', bytes: 8 * 1_024 * 1_024 + 1, sha256: '' };
  await expect(readValue({ largeValues }, { value: null, offloaded })).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining('8388609 bytes') as string,
  });
});

test('a process that cannot reach the values says where the value lies', async () => {
  const offloaded = await store.put('run-1', '[1]');
  await expect(readValue({}, { value: null, offloaded })).rejects.toMatchObject({
    code: 'value_unreadable',
    message: expect.stringContaining(offloaded.key) as string,
  });
});
