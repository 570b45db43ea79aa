import { expect, test } from 'vitest';
import { decideRunRequest, eventRunId } from './run-request.ts';

const params = { total: { type: 'integer', minimum: 0 }, region: { type: 'string', default: 'eu' } };

test.each([
  [
    'takes the fields that are params and leaves the others',
    { total: 3, other: 1 },
    { conf: '{"total":3}', state: 'pending', reason: null },
  ],
  [
    'refuses data that does not fit, and says where',
    { total: -1 },
    { state: 'refused', reason: expect.stringContaining('$.total') as string },
  ],
  ['refuses data without a param that has no default', {}, { state: 'refused', reason: expect.stringContaining('total') as string }],
  ['takes data that is no object for one without fields', [1, 2], { conf: '{}', state: 'refused' }],
  [
    'takes a field named like a part of every object for a field',
    JSON.parse('{"total":1,"__proto__":{"region":5}}'),
    { conf: '{"total":1}' },
  ],
])('%s', (_, data, decision) => {
  expect(decideRunRequest({ params }, data as never)).toMatchObject(decision);
});

test('a dag without params takes any event', () => {
  expect(decideRunRequest({ params: {} }, undefined)).toEqual({ conf: '{}', state: 'pending', reason: null });
});

test('a dag that takes no such runs refuses them', () => {
  expect(decideRunRequest({ params: {}, allowedRunTypes: ['manual', 'backfill'] }, {})).toMatchObject({
    state: 'refused',
    reason: 'the dag takes no runs of events: its allowedRunTypes are manual, backfill',
  });
});

test('the run id is a function of the event', () => {
  expect(eventRunId('ab'.repeat(32))).toBe(`asset_triggered__${'ab'.repeat(16)}`);
});
