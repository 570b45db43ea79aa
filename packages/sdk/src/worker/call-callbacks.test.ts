import type { CallbackContext, CallbackWork } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { callCallbacks, type CallbackCall } from './call-callbacks.ts';

const silent = { debug() {}, info() {}, warning() {}, error() {} };
const call: CallbackCall = { signal: new AbortController().signal, log: silent };

function work(subject: CallbackContext['subject'], changes: Partial<CallbackContext> = {}): CallbackWork {
  return {
    callbackId: 'call',
    target: { of: 'dag', when: 'success' },
    code: { bundleFolder: '/dags', file: 'a.ts', bundleVersion: 'one', manifestFile: '/one.json' },
    context: {
      dagId: 'orders',
      runId: 'run',
      logicalDate: '2026-01-01T00:00:00Z',
      dataIntervalStart: '2025-12-31T00:00:00Z',
      dataIntervalEnd: '2026-01-01T00:00:00Z',
      runAfter: '2026-01-01T00:00:00Z',
      params: { region: 'eu' },
      subject,
      ...changes,
    },
  };
}

async function contextOf(one: CallbackWork): Promise<Record<string, unknown>> {
  let seen: Record<string, unknown> = {};
  await callCallbacks([(context) => (seen = context as Record<string, unknown>)], one, call);
  return seen;
}

const instant = (text: string): Temporal.Instant => Temporal.Instant.from(text);

test('tells the callback of a task what has become of its try', async () => {
  const failure = { kind: 'error', message: 'it broke' } as const;
  const context = await contextOf(work({ of: 'task', taskId: 'load', mapIndex: -1, tryNumber: 2, maxTries: 3, state: 'failed', failure }));
  expect(context).toMatchObject({
    callbackId: 'call',
    dagId: 'orders',
    params: { region: 'eu' },
    taskId: 'load',
    tryNumber: 2,
    state: 'failed',
    failure,
  });
  expect([context['skipReason'], 'of' in context, 'subject' in context]).toEqual([undefined, false, false]);
  expect(context['logicalDate']).toEqual(instant('2026-01-01T00:00:00Z'));
  expect(context['dataInterval']).toEqual({ start: instant('2025-12-31T00:00:00Z'), end: instant('2026-01-01T00:00:00Z') });
});

test('tells the callback of a dag why the run ended so', async () => {
  expect(await contextOf(work({ of: 'dag', state: 'failed', reason: 'timed_out' }))).toMatchObject({
    state: 'failed',
    reason: 'timed_out',
  });
});

test('tells the callback of a deadline which moment was missed, and whether there is a run', async () => {
  const subject = { of: 'deadline', name: 'by_nine', dueAt: '2026-01-01T09:00:00Z', runExists: false } as const;
  const context = await contextOf(work(subject, { logicalDate: null, dataIntervalStart: null, dataIntervalEnd: null }));
  expect(context).toMatchObject({ deadlineName: 'by_nine', runExists: false, logicalDate: null, dataInterval: null });
  expect(context['deadlineAt']).toEqual(instant('2026-01-01T09:00:00Z'));
});

test('calls each function of a list, in order, whatever the one before did', async () => {
  const called: number[] = [];
  const handlers = [
    () => called.push(0),
    () => {
      throw new Error('no such channel');
    },
    async () => {
      await Promise.resolve();
      called.push(2);
    },
    () => Promise.reject(new Error('refused')),
  ];
  const failures = await callCallbacks(handlers, work({ of: 'dag', state: 'success', reason: 'success' }), call);
  expect(called).toEqual([0, 2]);
  expect(failures).toMatchObject([
    { place: 1, message: 'no such channel' },
    { place: 3, message: 'refused' },
  ]);
});

test('hands out a context that one callback cannot change for the next', async () => {
  const failures = await callCallbacks(
    [(context) => Object.assign(context as object, { runId: 'another' })],
    work({ of: 'dag', state: 'success', reason: 'success' }),
    call,
  );
  expect(failures).toHaveLength(1);
});
