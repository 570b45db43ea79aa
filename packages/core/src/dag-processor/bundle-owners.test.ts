import { describe, expect, test } from 'vitest';
import { BundleOwners } from './bundle-owners.ts';

describe('a dag that two bundles define', () => {
  function twoBundles() {
    const owners = new BundleOwners();
    const readAgain: string[] = [];
    const first = owners.add('first', (files) => readAgain.push(...files.map((file) => `first ${file}`)));
    const second = owners.add('second', (files) => readAgain.push(...files.map((file) => `second ${file}`)));
    return { first, second, readAgain };
  }

  test('belongs to the bundle that comes first, whichever is read first', () => {
    const { first, second, readAgain } = twoBundles();
    expect(second.claim('a.ts', ['orders']).taken.size).toBe(0);
    expect(first.claim('z.ts', ['orders'])).toEqual({ taken: new Map(), toRead: [] });
    expect(readAgain).toEqual(['second a.ts']);
    expect(second.claim('a.ts', ['orders']).taken.get('orders')).toBe(
      'z.ts of bundle "first", which comes first in the configuration and wins',
    );
  });

  test('goes to the other one when the first gives it up', () => {
    const { first, second, readAgain } = twoBundles();
    first.claim('a.ts', ['orders']);
    second.claim('b.ts', ['orders']);
    first.claim('a.ts', []);
    expect(readAgain).toEqual(['second b.ts']);
    expect(second.claim('b.ts', ['orders']).taken.size).toBe(0);
  });

  test('within one bundle belongs to the first file by name', () => {
    const { second, readAgain } = twoBundles();
    second.claim('b.ts', ['orders']);
    expect(second.claim('a.ts', ['orders']).toRead).toEqual(['b.ts']);
    expect(second.claim('b.ts', ['orders']).taken.get('orders')).toBe('a.ts, which comes first by name and wins');
    expect(readAgain).toEqual([]);
  });
});
