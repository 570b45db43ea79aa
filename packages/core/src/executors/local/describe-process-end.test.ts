import { MAX_FAILURE_DETAIL_LENGTH } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import type { ProcessEnd } from '../../platform/child-process.ts';
import { describeProcessEnd, type ProcessEndFacts } from './describe-process-end.ts';

const OUT_OF_HEAP = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';

const end = (how: Partial<ProcessEnd>): ProcessEnd => ({ exitCode: null, signal: null, hasSurvivors: false, ...how });
const facts = (more: Partial<ProcessEndFacts> = {}): ProcessEndFacts => ({
  stderrTail: '',
  maxHeapMegabytes: 512,
  isOutOfMemoryKill: false,
  ...more,
});

test.each<[string, Partial<ProcessEnd>, Partial<ProcessEndFacts>, { kind: string; says: RegExp }]>([
  ['exit code 0', { exitCode: 0 }, {}, { kind: 'no_result', says: /exit code 0 before it reported a result/ }],
  ['another exit code', { exitCode: 3 }, {}, { kind: 'crashed', says: /exit code 3/ }],
  ['a signal', { signal: 'SIGSEGV' }, {}, { kind: 'crashed', says: /SIGSEGV/ }],
  ['SIGABRT of V8', { signal: 'SIGABRT' }, { stderrTail: OUT_OF_HEAP }, { kind: 'out_of_memory', says: /more than 512 MB of heap/ }],
  ['exit code 134 of V8', { exitCode: 134 }, { stderrTail: OUT_OF_HEAP }, { kind: 'out_of_memory', says: /more than 512 MB of heap/ }],
  ['SIGABRT of something else', { signal: 'SIGABRT' }, { stderrTail: 'assertion failed' }, { kind: 'crashed', says: /SIGABRT/ }],
  [
    'SIGKILL of the kernel',
    { signal: 'SIGKILL' },
    { isOutOfMemoryKill: true },
    { kind: 'out_of_memory', says: /machine ran out of memory/ },
  ],
  ['SIGKILL of somebody', { signal: 'SIGKILL' }, {}, { kind: 'crashed', says: /SIGKILL/ }],
])('tells %s by its kind and in words', (_, how, more, { kind, says }) => {
  expect(describeProcessEnd(end(how), facts(more))).toMatchObject({ kind, message: expect.stringMatching(says) as string });
});

test('the last words of the process are the detail, fit for every database', () => {
  const { detail = '' } = describeProcessEnd(end({ exitCode: 1 }), facts({ stderrTail: `${'x'.repeat(20_000)}\0\uD800 last words\n` }));
  expect(detail).toHaveLength(MAX_FAILURE_DETAIL_LENGTH);
  expect(detail).toMatch(/x\uFFFD\uFFFD last words$/);
});

test('a process without last words has no detail', () => {
  expect(describeProcessEnd(end({ exitCode: 1 }), facts({ stderrTail: '\n' }))).not.toHaveProperty('detail');
});
