import { compileGraph, type DagRunState, type SerializedTask, type TaskInstanceState } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { planDagRunMark, planMark, type MarkOptions } from './mark.ts';
import type { FoundRun, RunChange } from './run-change.ts';

function task(taskId: string, upstream: readonly string[] = [], more: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: {},
    upstream,
    triggerRule: 'all_success',
    retries: 1,
    retryDelayMs: 0,
    isolation: 'warm',
    outlets: [],
    ...more,
  };
}

function run(tasks: readonly SerializedTask[], states: Readonly<Record<string, TaskInstanceState>>, state: DagRunState): FoundRun {
  const graph = compileGraph({
    schemaVersion: 1,
    dagId: 'orders',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 16,
    maxActiveTasks: 16,
    tasks,
    assets: [],
  });
  const instances = Object.entries(states).map(([taskId, found]) => ({
    id: taskId,
    taskId,
    mapIndex: -1,
    state: found,
    epoch: 1,
    tryNumber: 1,
    maxTries: 2,
  }));
  return { state, graph, instances };
}

function changes({ instances }: RunChange): Readonly<Record<string, string>> {
  return Object.fromEntries(instances.map(({ instance, to }) => [instance.id, to]));
}

const LINE = [task('a'), task('b', ['a']), task('c', ['b'])];

describe('a mark of task instances', () => {
  const mark = (found: FoundRun, options: Partial<MarkOptions>): RunChange =>
    planMark(found, { tasks: [{ taskId: 'b' }], state: 'success', upstream: false, downstream: false, ...options });

  test('clears what failed or could not run below, and lets a run that had ended run again', () => {
    const plan = mark(run(LINE, { a: 'success', b: 'failed', c: 'upstream_failed' }, 'failed'), {});
    expect(changes(plan)).toEqual({ b: 'success', c: 'none' });
    expect(plan.run).toBe('queued');
  });

  test('leaves what succeeded below, and the run with the verdict of its task instances', () => {
    const plan = mark(run(LINE, { a: 'success', b: 'success', c: 'failed' }, 'failed'), { tasks: [{ taskId: 'c' }] });
    expect(changes(plan)).toEqual({ c: 'success' });
    expect(plan.run).toBe('success');
  });

  test('keeps the verdict of a run that another failure decides', () => {
    const found = run([...LINE, task('d')], { a: 'success', b: 'success', c: 'failed', d: 'failed' }, 'failed');
    expect(mark(found, { tasks: [{ taskId: 'c' }] }).run).toBe('stays');
  });

  test('fails a run that had succeeded', () => {
    const plan = mark(run(LINE, { a: 'success', b: 'success', c: 'success' }, 'success'), { tasks: [{ taskId: 'c' }], state: 'failed' });
    expect(plan).toMatchObject({ run: 'failed' });
  });

  test('takes what is above and below with it', () => {
    const found = run(LINE, { a: 'running', b: 'none', c: 'queued' }, 'running');
    expect(changes(mark(found, { state: 'skipped', upstream: true, downstream: true }))).toEqual({
      a: 'skipped',
      b: 'skipped',
      c: 'skipped',
    });
  });

  test('changes nothing that is in the state already, nor what was removed', () => {
    const plan = mark(run(LINE, { a: 'success', b: 'success', c: 'removed' }, 'success'), { downstream: true });
    expect(plan.instances).toEqual([]);
    expect(plan.run).toBe('stays');
  });

  test('relies on what waits below, which could be decided any moment', () => {
    const plan = mark(run(LINE, { a: 'success', b: 'failed', c: 'none' }, 'running'), {});
    expect(plan.reliesOn?.map(({ id }) => id)).toEqual(['c']);
  });
});

describe('a mark of a run', () => {
  const all: readonly TaskInstanceState[] = [
    'none',
    'scheduled',
    'queued',
    'running',
    'restarting',
    'deferred',
    'up_for_retry',
    'up_for_reschedule',
  ];

  test.each(all)('as a success makes %s a success', (state) => {
    const plan = planDagRunMark(run(LINE, { a: state }, 'running'), 'success');
    expect(changes(plan)).toEqual({ a: 'success' });
    expect(plan.run).toBe('success');
  });

  test('as a success makes failures successes, too', () => {
    const plan = planDagRunMark(run(LINE, { a: 'failed', b: 'upstream_failed', c: 'skipped' }, 'failed'), 'success');
    expect(changes(plan)).toEqual({ a: 'success', b: 'success', c: 'success' });
    expect(plan.run).toBe('success');
  });

  const failures: readonly (readonly [TaskInstanceState, string | undefined])[] = [
    ['running', 'failed'],
    ['restarting', 'failed'],
    ['deferred', 'failed'],
    ['up_for_reschedule', 'failed'],
    ['none', 'skipped'],
    ['scheduled', 'skipped'],
    ['queued', 'skipped'],
    ['up_for_retry', 'skipped'],
    ['success', undefined],
    ['failed', undefined],
    ['skipped', undefined],
    ['upstream_failed', undefined],
    ['removed', undefined],
  ];

  test.each(failures)('as a failure makes of %s %s', (state, to) => {
    const plan = planDagRunMark(run(LINE, { a: state }, 'running'), 'failed');
    expect(changes(plan)).toEqual(to === undefined ? {} : { a: to });
    expect(plan.run).toBe('failed');
  });

  const torn = [
    task('make', [], { role: 'setup' }),
    task('work', ['make']),
    task('drop', ['work', 'make'], { role: 'teardown', setups: ['make'] }),
  ];

  test.each(['success', 'failed'] as const)('as a %s leaves teardowns their work and keeps the verdict in mind', (state) => {
    const plan = planDagRunMark(run(torn, { make: 'success', work: 'running', drop: 'none' }, 'running'), state);
    expect(changes(plan)).toEqual({ work: state });
    expect(plan).toMatchObject({ run: 'stays', markedState: state });
  });

  test('with teardowns that have ended ends at once', () => {
    const plan = planDagRunMark(run(torn, { make: 'success', work: 'success', drop: 'failed' }, 'success'), 'failed');
    expect(changes(plan)).toEqual({});
    expect(plan).toMatchObject({ run: 'failed' });
    expect(plan.markedState).toBeUndefined();
  });

  test('that is so already changes nothing', () => {
    expect(planDagRunMark(run(LINE, { a: 'success' }, 'success'), 'success')).toMatchObject({ instances: [], run: 'stays' });
  });
});
