import type { Workload } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { createWorkload } from '../testing/test-bundle.ts';
import { WaitingTries, type WaitingTry } from './waiting-tries.ts';

function waiting(taskId: string, bundleVersion: string, sinceMs: number, needsFreshChild = false): WaitingTry {
  const version = { bundleFolder: '/dags', bundleVersion, manifestFile: '/manifest' };
  const workload: Workload = createWorkload({ version, file: 'a.ts', dagId: 'a', taskId });
  return { workload, log: undefined as never, sinceMs, needsFreshChild };
}

test('gives out the oldest try of each bundle version, and the oldest of all', () => {
  const tries = new WaitingTries();
  const [first, second, third] = [waiting('a', 'v1', 1), waiting('b', 'v2', 2), waiting('c', 'v2', 3)];
  for (const one of [first, second, third]) tries.add(one);
  expect([tries.oldest(), tries.oldestFor('v1'), tries.oldestFor('v2'), tries.oldestFor('v3')]).toEqual([first, first, second, undefined]);
  tries.remove(first.workload.attempt);
  expect([tries.oldest(), tries.oldestFor('v1'), tries.size]).toEqual([second, undefined, 2]);
});

test('keeps tries that need a fresh child from those of their bundle version', () => {
  const tries = new WaitingTries();
  const fresh = waiting('a', 'v1', 1, true);
  tries.add(fresh);
  expect([tries.oldest(), tries.oldestFor('v1')]).toEqual([fresh, undefined]);
});

test('says whether the try that is removed was there', () => {
  const tries = new WaitingTries();
  const one = waiting('a', 'v1', 1);
  tries.add(one);
  expect(tries.remove({ ...one.workload.attempt, epoch: 2 })).toBeUndefined();
  expect(tries.remove(one.workload.attempt)).toBe(one);
  expect(tries.remove(one.workload.attempt)).toBeUndefined();
  expect(tries.size).toBe(0);
});

test('is empty once it is cleared', () => {
  const tries = new WaitingTries();
  tries.add(waiting('a', 'v1', 1));
  tries.clear();
  expect([tries.size, tries.oldest()]).toEqual([0, undefined]);
});
