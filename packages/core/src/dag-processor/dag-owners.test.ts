import { expect, test } from 'vitest';
import { DagOwners } from './dag-owners.ts';

const none = { taken: new Map(), toRead: [] };

test('a dag belongs to the file that defines it', () => {
  expect(new DagOwners().claim('a.ts', ['orders'])).toEqual(none);
});

test('of two files the first by path has the dag, in whatever order they are read', () => {
  const firstFirst = new DagOwners();
  firstFirst.claim('a.ts', ['orders']);
  expect(firstFirst.claim('b.ts', ['orders'])).toEqual({ taken: new Map([['orders', 'a.ts']]), toRead: [] });
  const lastFirst = new DagOwners();
  lastFirst.claim('b.ts', ['orders']);
  expect(lastFirst.claim('a.ts', ['orders'])).toEqual({ taken: new Map(), toRead: ['b.ts'] });
});

test('reading a file again changes nothing', () => {
  const owners = new DagOwners();
  owners.claim('b.ts', ['orders', 'more']);
  owners.claim('a.ts', ['orders']);
  const taken = new Map([['orders', 'a.ts']]);
  expect([owners.claim('a.ts', ['orders']), owners.claim('b.ts', ['orders', 'more'])]).toEqual([none, { taken, toRead: [] }]);
});

test('the next file is read when the first one gives the dag up', () => {
  const owners = new DagOwners();
  for (const file of ['c.ts', 'b.ts', 'a.ts']) owners.claim(file, ['orders']);
  expect(owners.claim('a.ts', [])).toEqual({ taken: new Map(), toRead: ['b.ts'] });
  expect(owners.claim('b.ts', ['orders'])).toEqual(none);
});

test('nothing is read when a file gives up a dag that it did not have', () => {
  const owners = new DagOwners();
  for (const file of ['a.ts', 'b.ts']) owners.claim(file, ['orders']);
  expect(owners.claim('b.ts', [])).toEqual(none);
});
