import { expect, test } from 'vitest';
import { dag } from '../authoring/dag.ts';
import { collectDags } from './collect-dags.ts';

const orders = dag('orders', () => {});
const customers = dag('customers', () => {});

test('finds every export that is a dag, whatever its name', () => {
  expect(collectDags({ orders, theOther: customers, helper: () => {}, data: { dagId: 'no' }, nothing: null })).toEqual([orders, customers]);
});

test('counts a dag that is exported under two names once', () => {
  expect(collectDags({ default: orders, orders })).toEqual([orders]);
});

test('finds the dags of exported lists and records, as loops make them', () => {
  expect(collectDags({ all: [orders, 1, null], byName: { customers, version: '1' }, made: new Date(0) })).toEqual([orders, customers]);
});

test('finds no dag in a library', () => {
  expect(collectDags({ sum: () => 1 })).toEqual([]);
});

test('recognises a dag of another copy of this package by its shape', () => {
  const foreign = { [Symbol.for('tradewind.dag.v1')]: true, dagId: 'foreign', serialized: {}, handlers: new Map() };
  expect(collectDags({ foreign })).toEqual([foreign]);
});
