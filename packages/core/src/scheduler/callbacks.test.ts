import type { CallbackContext, SerializedDag, SerializedTask } from '@tradewind/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { createSchedulerWorld, FAILURE, SUCCESS, type SchedulerWorld } from './testing/scheduler-world.ts';

let world: SchedulerWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const ALL = ['execute', 'success', 'failure', 'retry', 'skipped'] as const;
const task = (taskId: string, changes: Partial<SerializedTask> = {}): SerializedTask =>
  serializedTask(taskId, { operator: 'function', callbacks: ALL, ...changes });
const start = async (dag: Partial<SerializedDag>): Promise<SchedulerWorld> => {
  const its = (world = await createSchedulerWorld([serializedDag({ callbacks: ['success', 'failure'], ...dag })]));
  await its.trigger('orders');
  return its;
};

interface Requested {
  readonly kind: string;
  readonly taskId: string | null;
  readonly context: CallbackContext;
}

async function requested(its: SchedulerWorld): Promise<readonly Requested[]> {
  const rows = await its.rows<{ kind: string; taskId: string | null; context: string }>(
    `select kind, task_id as "taskId", context from callback_request order by created_at, scope desc, kind`,
  );
  return rows.map((row) => ({ ...row, context: JSON.parse(row.context) as CallbackContext }));
}
const kinds = async (its: SchedulerWorld): Promise<string[]> =>
  (await requested(its)).map(({ kind, taskId }) => (taskId === null ? `run ${kind}` : `${taskId} ${kind}`));

describe('callbacks of a task', () => {
  test.each([
    ['success', SUCCESS, ['a execute', 'a success', 'run success']],
    ['failure', FAILURE, ['a execute', 'a failure', 'run failure']],
    ['a skip of its own', { result: 'skipped', reason: 'nothing to do' }, ['a execute', 'a skipped', 'run success']],
  ] as const)('are asked for on %s', async (_, outcome, expected) => {
    const its = await start({ tasks: [task('a')] });
    await its.end('a', outcome);
    expect(await kinds(its)).toEqual(expected);
  });

  test('learn what has happened', async () => {
    const its = await start({ params: { region: { type: 'string', default: 'eu' } }, tasks: [task('a', { callbacks: ['failure'] })] });
    await its.end('a', FAILURE);
    const [{ context } = { context: undefined }] = await requested(its);
    expect(context).toMatchObject({
      dagId: 'orders',
      runId: 'run-1',
      params: { region: 'eu' },
      subject: {
        of: 'task',
        taskId: 'a',
        mapIndex: -1,
        tryNumber: 1,
        maxTries: 1,
        state: 'failed',
        failure: { kind: 'error', message: 'it broke' },
      },
    });
  });

  test('learn why a task has skipped itself', async () => {
    const its = await start({ tasks: [task('a', { callbacks: ['skipped'] })] });
    await its.end('a', { result: 'skipped', reason: 'nothing to do' });
    expect((await requested(its))[0]?.context.subject).toMatchObject({ state: 'skipped', skipReason: 'nothing to do' });
  });

  test('are asked for on each try that is followed by another one', async () => {
    const its = await start({ tasks: [task('a', { retries: 1, retryDelayMs: 1_000 })] });
    await its.end('a', FAILURE);
    await its.clock.advance(1_000);
    await its.end('a');
    expect(await kinds(its)).toEqual(['a execute', 'a retry', 'a execute', 'a success', 'run success']);
  });

  test('are not asked for where a trigger rule ended the task', async () => {
    const its = await start({ tasks: [task('a', { callbacks: [] }), task('b', { upstream: ['a'] })] });
    await its.end('a', FAILURE);
    expect(await kinds(its)).toEqual(['run failure']);
  });

  test('are not asked for where it is deferred, nor execute when it goes on', async () => {
    const its = await start({ tasks: [task('a')] });
    await its.end('a', { result: 'deferred', deferral: { trigger: { kind: 'timer', at: its.clock.now() + 1_000 }, stateJson: 'null' } });
    await its.clock.advance(1_000);
    await its.end('a');
    expect(await kinds(its)).toEqual(['a execute', 'a success', 'run success']);
  });

  test('are asked for when the worker has died with the try', async () => {
    const its = await start({ tasks: [task('a')] });
    its.scheduler.report({ type: 'started', attempt: its.workload('a').attempt, at: its.clock.now(), pid: 1, hostname: 'host' });
    await its.clock.advance(20);
    await its.crash();
    expect(await kinds(its)).toEqual(['a execute', 'a retry']);
  });
});

describe('callbacks of a run', () => {
  test.each([
    ['success', SUCCESS, { of: 'dag', state: 'success', reason: 'success' }],
    ['failure', FAILURE, { of: 'dag', state: 'failed', reason: 'task_failure' }],
  ] as const)('learn the reason of a %s', async (_, outcome, subject) => {
    const its = await start({ tasks: [task('a', { callbacks: [] })] });
    await its.end('a', outcome);
    expect((await requested(its)).map(({ context }) => context.subject)).toEqual([subject]);
  });

  test('learn that it took too long', async () => {
    const its = await start({ dagrunTimeoutMs: 1_000, tasks: [task('a', { callbacks: [] })] });
    await its.clock.advance(1_000);
    expect((await requested(its)).map(({ context }) => context.subject)).toEqual([{ of: 'dag', state: 'failed', reason: 'timed_out' }]);
  });

  test('are not asked for where the dag has none', async () => {
    const its = await start({ callbacks: ['failure'], tasks: [task('a', { callbacks: [] })] });
    await its.end('a');
    expect(await kinds(its)).toEqual([]);
  });
});
