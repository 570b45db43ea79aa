import { describe, expect, test } from 'vitest';
import { silentLog } from './log.ts';
import { createMemoryValues } from './testing/memory-values.ts';
import { LargeValues } from './value-store.ts';

const valuesOf = (offloadBytes: number, store = createMemoryValues()): LargeValues =>
  new LargeValues({ store, offloadBytes, log: silentLog });

describe('keeping a value', () => {
  test.each([
    [4, '[12]', false],
    [4, '[123]', true],
    [4, '"é1"', true],
    [0, '1', true],
    [-1, 'x'.repeat(10_000), false],
  ])('with a limit of %i bytes, %s lies elsewhere: %s', async (offloadBytes, json, isElsewhere) => {
    const values = valuesOf(offloadBytes);
    const row = await values.keep('run-1', json);
    expect(row.offloaded !== null).toBe(isElsewhere);
    expect(row.value).toBe(isElsewhere ? 'null' : json);
    expect(await values.read(row)).toBe(json);
  });

  test('leaves it in its row where the store does not take it', async () => {
    const store = createMemoryValues();
    store.breakDown();
    expect(await valuesOf(0, store).keep('run-1', '[1]')).toEqual({ value: '[1]', offloaded: null });
  });
});

describe('reading a value', () => {
  test('fails where it is in a store of another kind, and says in which', async () => {
    const reference = { store: 's3', key: 'run-1/a', bytes: 1, sha256: '' };
    await expect(valuesOf(0).read({ value: 'null', offloaded: JSON.stringify(reference) })).rejects.toMatchObject({
      code: 'value_unreadable',
      message: expect.stringContaining('"s3"') as string,
    });
  });

  test('finds it in the store that the environment had before, while new ones go to the one that it has', async () => {
    const earlier = createMemoryValues();
    const row = await valuesOf(0, earlier).keep('run-1', '[1]');
    const store = { ...createMemoryValues(), name: 'newer' };
    const values = new LargeValues({ store, earlierStores: [earlier], offloadBytes: 0, log: silentLog });
    expect(await values.read(row)).toBe('[1]');
    await values.keep('run-2', '[2]');
    expect(store.texts.size).toBe(1);
    expect(values.stores.map(({ name }) => name)).toEqual(['newer', 'memory']);
    expect((await values.store.listRuns()).toSorted()).toEqual(['run-1', 'run-2']);
    await values.store.removeRun('run-1');
    expect(earlier.texts.size).toBe(0);
  });

  test('takes what an earlier release wrote over a reference', async () => {
    const { offloaded } = await valuesOf(0).keep('run-1', '[1]');
    expect(await valuesOf(0).read({ value: '[2]', offloaded })).toBe('[2]');
  });
});
