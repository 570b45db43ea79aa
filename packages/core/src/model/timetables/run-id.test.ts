import { isRunId } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { runIdOf } from './run-id.ts';

test.each([
  ['2026-11-21T09:00:00Z', 'scheduled__2026-11-21T09:00:00+00:00'],
  ['2026-11-21T09:00:00.25Z', 'scheduled__2026-11-21T09:00:00.250000+00:00'],
])('the run that is due at %s is %s', (instant, runId) => {
  expect(runIdOf('scheduled', Temporal.Instant.from(instant).epochMilliseconds)).toBe(runId);
  expect(isRunId(runId)).toBe(true);
});
