import type { Attempt, ChildMessage, Workload } from '@tradewind/protocol';
import { beforeEach, expect, test } from 'vitest';
import type { TaskHandler } from '../authoring/definition.ts';
import type { FoundTask } from './dag-loader.ts';
import { TryRunner } from './try-runner.ts';

let sent: ChildMessage[];
let marked: Attempt[];

beforeEach(() => {
  sent = [];
  marked = [];
});

function createRunner(findTask: () => Promise<FoundTask>): TryRunner {
  const log = { debug() {}, info() {}, warning() {}, error() {} };
  return new TryRunner({ send: (message) => sent.push(message), findTask, log, endOutput: (attempt) => marked.push(attempt) > 0 });
}

const found = (handler: TaskHandler) => (): Promise<FoundTask> => Promise.resolve({ found: true, handler, outlets: [] });
const never = (): Promise<FoundTask> => new Promise(() => {});

function workload(epoch = 1, inputsJson: Readonly<Record<string, string>> = {}): Workload {
  return {
    attempt: { taskInstanceId: 't', epoch },
    code: { bundleFolder: '/dags', file: 'a.ts', bundleVersion: 'v1', manifestFile: '/manifest' },
    context: {
      dagId: 'd',
      runId: 'r',
      taskId: 't',
      mapIndex: -1,
      tryNumber: 1,
      maxTries: 1,
      logicalDate: null,
      dataIntervalStart: null,
      dataIntervalEnd: null,
      runAfter: '2026-01-01T00:00:00Z',
      params: {},
      triggeringEvents: [],
    },
    inputsJson,
    isolation: 'warm',
  };
}

const failures = (): unknown[] =>
  sent.flatMap((message) => (message.type === 'ended' && message.outcome.result === 'failed' ? [message.outcome.failure] : []));

test('tells that the author’s function is entered just before it is, and how it ended', async () => {
  const before: number[] = [];
  await createRunner(
    found(({ a }) => {
      before.push(sent.length);
      return a;
    }),
  ).start(workload(1, { a: '[1]' }));
  expect(before).toEqual([1]);
  expect(sent).toMatchObject([{ type: 'started' }, { type: 'ended', outcome: { result: 'success', valueJson: '[1]' } }]);
  expect(marked).toEqual([{ taskInstanceId: 't', epoch: 1 }]);
});

test('ends a try once, though its process ends while it returns', async () => {
  const runner = createRunner(found(() => runner.endByExit(0)));
  await runner.start(workload());
  expect(sent.map(({ type }) => type)).toEqual(['started', 'ended']);
  expect(failures()).toMatchObject([{ kind: 'no_result' }]);
});

test('blames an error that nobody caught on the import until the author’s function is entered', () => {
  const runner = createRunner(never);
  void runner.start(workload());
  runner.endByUncaught(new Error('thrown in a timer'), 'uncaughtException');
  expect(failures()).toMatchObject([
    { kind: 'import', message: expect.stringMatching(/while a\.ts was imported.*thrown in a timer/) as string },
  ]);
});

test('says nothing about a try that was not entered when the process ends of an earlier one', async () => {
  let findTask = found(() => 1);
  const runner = createRunner(() => findTask());
  await runner.start(workload(1));
  findTask = never;
  void runner.start(workload(2));
  runner.endByExit(7);
  expect(sent).toHaveLength(2);
});

test('fails a try whose inputs or dates cannot be read', async () => {
  await createRunner(found(() => 1)).start(workload(1, { a: 'no json' }));
  expect(failures()).toMatchObject([{ kind: 'error', message: expect.stringContaining('could not be prepared') as string }]);
});

test('says that there is nothing to cancel between two tries', () => {
  expect(createRunner(never).cancel('why')).toBe(false);
});

test('lets code that asked for its signal end by itself', async () => {
  let reason: unknown;
  const runner = createRunner(
    found((_, context) => {
      const { signal } = context as { signal: AbortSignal };
      expect(runner.cancel('somebody cleared it')).toBe(true);
      reason = signal.reason;
      return 'tidied up';
    }),
  );
  await runner.start(workload());
  expect(reason).toMatchObject({ name: 'AbortError', message: 'somebody cleared it' });
  expect(sent.at(-1)).toMatchObject({ outcome: { result: 'success' } });
});
