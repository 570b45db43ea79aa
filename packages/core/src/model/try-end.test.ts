import type { FailureKind, TryOutcome } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideTryEnd, MAX_LOSSES } from './try-end.ts';

const ending = { tryNumber: 1, maxTries: 3, losses: 0, reschedules: 0, retryDelayMs: 60_000 };
const failed = (kind: FailureKind): TryOutcome => ({ result: 'failed', failure: { kind, message: 'it broke' } });

describe('decideTryEnd', () => {
  test('a value ends the task in success', () => {
    expect(decideTryEnd(ending, { result: 'success', valueJson: '1', events: [] }, 5)).toMatchObject({ state: 'success', retryAt: null });
  });

  test('a skip ends the task in skipped', () => {
    expect(decideTryEnd(ending, { result: 'skipped', reason: 'no rows' }, 5)).toMatchObject({ state: 'skipped', failure: null });
  });

  test('a failure with tries left is retried after the delay', () => {
    expect(decideTryEnd(ending, failed('error'), 5)).toMatchObject({ state: 'up_for_retry', retryAt: 60_005, maxTries: 3, losses: 0 });
  });

  test('a failure of the last try ends the task', () => {
    expect(decideTryEnd({ ...ending, tryNumber: 3 }, failed('timeout'), 5)).toMatchObject({ state: 'failed', retryAt: null });
  });

  test('a request not to retry ends the task at once', () => {
    expect(decideTryEnd(ending, failed('fail_without_retry'), 5).state).toBe('failed');
  });

  test('a lost try is given back and counted apart', () => {
    expect(decideTryEnd({ ...ending, tryNumber: 3 }, failed('lost'), 5)).toMatchObject({
      state: 'up_for_retry',
      retryAt: 5,
      maxTries: 4,
      losses: 1,
    });
  });

  test('a task that loses its process again and again fails', () => {
    expect(decideTryEnd({ ...ending, losses: MAX_LOSSES }, failed('lost'), 5)).toMatchObject({ state: 'failed', maxTries: 3 });
  });
});
