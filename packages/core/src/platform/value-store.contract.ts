import { describe, expect, onTestFinished, test } from 'vitest';
import type { ValueStore } from './value-store.ts';

/** A store that is empty, and the ways in which the world harms it. */
export interface ValueStoreUnderTest {
  readonly store: ValueStore;
  /** Where a value lies, as messages name it. */
  readonly placeOf: (key: string) => string;
  /** Writes over what lies under a key, past the store. */
  readonly overwrite: (key: string, text: string) => void;
  readonly close: () => Promise<void> | void;
}

/** What every store of large values must do, wherever it keeps them. */
export function describeValueStore(name: string, open: () => Promise<ValueStoreUnderTest> | ValueStoreUnderTest): void {
  const openForTest = async (): Promise<ValueStoreUnderTest> => {
    const opened = await open();
    onTestFinished(async () => {
      opened.store.close();
      await opened.close();
    });
    return opened;
  };

  describe(`${name} keeps large values`, () => {
    test('and gives them back as they were, characters of several bytes included', async () => {
      const { store } = await openForTest();
      const json = JSON.stringify({ name: 'Zürich \u{1F30D}', rows: [1, 2, 3] });
      const reference = await store.put('run-1', json);
      expect(reference).toMatchObject({ store: store.name, bytes: Buffer.byteLength(json) });
      expect(reference.key).toBe(`run-1/${reference.sha256}.json`);
      expect(await store.get(reference)).toBe(json);
    });

    test('under one reference however often they are written, and once', async () => {
      const { store } = await openForTest();
      const references = await Promise.all([1, 2, 3].map(() => store.put('run-1', '[1]')));
      expect(new Set(references.map(({ key }) => key)).size).toBe(1);
      expect(await store.listValues('run-1')).toHaveLength(1);
    });

    test('and says which one is missing, and where', async () => {
      const { store, placeOf } = await openForTest();
      const reference = await store.put('run-1', '[1]');
      await store.removeValue(reference.key);
      await store.removeValue(reference.key);
      await expect(store.get(reference)).rejects.toMatchObject({
        code: 'value_unreadable',
        message: expect.stringContaining(`is missing: ${placeOf(reference.key)}`) as string,
      });
    });

    test.each([
      ['cut', '[1'],
      ['changed', '[2]'],
      ['emptied', ''],
    ])('and gives none that was %s, until it is written again', async (_, text) => {
      const { store, placeOf, overwrite } = await openForTest();
      const reference = await store.put('run-1', '[1]');
      overwrite(reference.key, text);
      await expect(store.get(reference)).rejects.toMatchObject({
        code: 'value_unreadable',
        message: expect.stringContaining(`damaged: ${placeOf(reference.key)}`) as string,
      });
      await store.put('run-1', '[1]');
      expect(await store.get(reference)).toBe('[1]');
    });

    test.each(['../run-2/a.json', 'run-1/../../a', 'run-1/a/b', '/etc/passwd', 'run-1/..'])(
      'where the key %s leads nowhere',
      async (key) => {
        const { store } = await openForTest();
        const message: unknown = expect.stringContaining('is no key');
        await expect(store.get({ store: store.name, key, bytes: 1, sha256: '' })).rejects.toMatchObject({
          code: 'value_unreadable',
          message,
        });
        await expect((async () => store.removeValue(key))()).rejects.toMatchObject({ message });
      },
    );

    test('of a run that can be no run nowhere', async () => {
      const { store } = await openForTest();
      await expect((async () => store.put('../run-1', '[1]'))()).rejects.toMatchObject({ code: 'internal' });
      await expect((async () => store.removeRun('..'))()).rejects.toMatchObject({ code: 'internal' });
    });

    test('run by run: a run is listed with its values, and goes with them and no others', async () => {
      const { store } = await openForTest();
      const texts = ['[1]', '[2]', '[3]', '[4]', '[5]'];
      const keys = (await Promise.all(texts.map((text) => store.put('run-1', text)))).map(({ key }) => key);
      // The names begin alike, which must not make them one.
      for (const run of ['run-10', 'run', 'run-2']) await store.put(run, '[1]');
      expect((await store.listRuns()).toSorted()).toEqual(['run', 'run-1', 'run-10', 'run-2']);
      expect((await store.listValues('run-1')).map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
      await store.removeRun('run-1');
      await store.removeRun('run-1');
      expect((await store.listRuns()).toSorted()).toEqual(['run', 'run-10', 'run-2']);
      expect(await store.listValues('run-1')).toEqual([]);
      expect(await store.listValues('run-10')).toHaveLength(1);
    });

    test('and knows when: writing one again makes it young', async () => {
      const { store } = await openForTest();
      const { key } = await store.put('run-1', '[1]');
      const writtenAt = async (): Promise<number> => (await store.listValues('run-1')).find((value) => value.key === key)?.writtenAt ?? 0;
      const first = await writtenAt();
      expect(Math.abs(first - Date.now())).toBeLessThan(60_000);
      await store.put('run-1', '[1]');
      expect(await writtenAt()).toBeGreaterThanOrEqual(first);
    });

    test('and has none before there is one', async () => {
      const { store } = await openForTest();
      expect(await store.listRuns()).toEqual([]);
      expect(await store.listValues('run-1')).toEqual([]);
      await store.removeRun('run-1');
    });
  });
}
