import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Activity } from '../../platform/activity.ts';
import { DEFAULT_WIDTHS, formatActivity } from './activity-text.ts';

const layout = { stream: new PassThrough(), widths: DEFAULT_WIDTHS };
const format = (activity: Activity): string | undefined => {
  const line = formatActivity(activity, layout);
  return line === undefined ? undefined : stripVTControlCharacters(line);
};
const run = { type: 'dag_run', dagId: 'orders', runId: 'r', runType: 'manual' } as const;
const task = { type: 'task_instance', dagId: 'orders', runId: 'r', taskId: 'extract', tryNumber: 1 } as const;

describe('formatActivity', () => {
  test.each<[string, Activity, string | undefined]>([
    [
      'the end of a try with how long it took',
      { ...task, state: 'success', durationMs: 12 },
      'orders              extract           success          12 ms',
    ],
    [
      'why a try failed, on a line of its own',
      { ...task, state: 'failed', durationMs: 3, reason: 'no such file' },
      'orders              extract           failed           3 ms\n  no such file',
    ],
    ['nothing about the start of a try', { ...task, state: 'running' }, undefined],
    ['the start of a run', { ...run, state: 'running' }, 'orders              run               running'],
    ['nothing about a run that waits', { ...run, state: 'queued' }, undefined],
    [
      'where an event went',
      { type: 'event_published', assetName: 'a', eventId: 'e', target: '{"transport":"sns","topic":"master"}' },
      'event published to sns master',
    ],
    [
      'where an event came from and what became of it',
      { type: 'message_received', subscription: 'sqs:master', messageId: 'm', outcome: 'accepted' },
      'event received from sqs master: accepted',
    ],
  ])('says %s', (_, activity, line) => {
    expect(format(activity)).toBe(line);
  });

  test('leaves room for the name of an environment in 80 characters', () => {
    const line = format({ ...task, taskId: 'build_profiles', state: 'upstream_failed', durationMs: 999 }) ?? '';
    expect(line.length).toBeLessThanOrEqual(80 - 'customers  '.length);
  });
});
