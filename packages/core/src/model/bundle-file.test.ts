import { expect, test } from 'vitest';
import { DEFAULT_BUNDLE, readBundleFile, writeBundleFile } from './bundle-file.ts';

test.each([
  [{ bundleName: DEFAULT_BUNDLE, file: 'sales/orders.ts' }, 'sales/orders.ts'],
  [{ bundleName: 'shared', file: 'orders.ts' }, 'shared//orders.ts'],
  [{ bundleName: 'team', subfolder: '', file: 'orders.ts' }, 'team//.//orders.ts'],
  [{ bundleName: 'team', subfolder: 'a/dags', file: 'b/orders.ts' }, 'team//a/dags//b/orders.ts'],
])('%o is written %s, and read again as it was', (file, text) => {
  expect(writeBundleFile(file)).toBe(text);
  expect(readBundleFile(text)).toEqual(file);
});
