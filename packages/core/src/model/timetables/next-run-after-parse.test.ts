import type { SerializedDag } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { decideDueAfterParse, type DagBeforeParse } from './next-run-after-parse.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const dag: SerializedDag = {
  schemaVersion: 1,
  dagId: 'orders',
  tags: [],
  schedule: { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' },
  catchup: false,
  isPausedUponCreation: false,
  params: {},
  maxActiveRuns: 16,
  maxActiveTasks: 16,
  tasks: [],
  assets: [],
};
const known: DagBeforeParse = { isStale: false, changedFrom: undefined, lastLogicalAt: undefined };
const next = { isKept: false, nextRunAt: Date.parse('2026-11-22T00:00:00Z') };

test.each<[string, SerializedDag, DagBeforeParse | undefined, ReturnType<typeof decideDueAfterParse>]>([
  ['a new dag is due at its next tick', dag, undefined, next],
  ['a new dag without a schedule is never due', { ...dag, schedule: { kind: 'none' } }, undefined, { isKept: false, nextRunAt: null }],
  ['a dag that has not changed stays', dag, known, { isKept: true }],
  ['a dag with another owner stays', dag, { ...known, changedFrom: { ...dag, owner: 'sales' } }, { isKept: true }],
  ['a dag with another schedule is decided anew', dag, { ...known, changedFrom: { ...dag, schedule: { kind: 'none' } } }, next],
  ['a dag with another catchup is decided anew', dag, { ...known, changedFrom: { ...dag, catchup: true } }, next],
  ['a dag with another start date is decided anew', dag, { ...known, changedFrom: { ...dag, startDate: '2030-01-01T00:00:00Z' } }, next],
  ['a dag with another end date is decided anew', dag, { ...known, changedFrom: { ...dag, endDate: '2030-01-01T00:00:00Z' } }, next],
  ['a dag that comes back is decided anew', dag, { ...known, isStale: true }, next],
  [
    'the last run counts',
    dag,
    { isStale: true, changedFrom: undefined, lastLogicalAt: Date.parse('2026-11-19T00:00:00Z') },
    { isKept: false, nextRunAt: Date.parse('2026-11-21T00:00:00Z') },
  ],
])('%s', (_, read, before, expected) => {
  expect(decideDueAfterParse(read, before, NOW)).toEqual(expected);
});
