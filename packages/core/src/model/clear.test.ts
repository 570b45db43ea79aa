import { compileGraph, type DagRunState, type SerializedTask, type TaskInstanceState } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { findMarkers, findNewTasks, planClear, type ClearOptions } from './clear.ts';
import type { FoundRun } from './run-change.ts';

const NOTHING: ClearOptions = { upstream: false, downstream: false, onlyFailed: false, onlyRunning: false };

function task(taskId: string, upstream: readonly string[] = [], more: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: {},
    upstream,
    triggerRule: 'all_success',
    retries: 2,
    retryDelayMs: 0,
    isolation: 'warm',
    outlets: [],
    ...more,
  };
}

/** States by `task` or `task[index]`. */
function run(
  tasks: readonly SerializedTask[],
  states: Readonly<Record<string, TaskInstanceState>>,
  state: DagRunState = 'failed',
): FoundRun {
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
    groups: [{ groupId: 'regions', expand: { kind: 'product', over: [{ name: 'region', source: { kind: 'xcom', taskId: 'list' } }] } }],
    assets: [],
  });
  const instances = Object.entries(states).map(([name, found]) => {
    const [, taskId = '', index] = /^([^[]+)(?:\[(\d+)\])?$/.exec(name) ?? [];
    return { id: name, taskId, mapIndex: Number(index ?? -1), state: found, epoch: 3, tryNumber: 2, maxTries: 3 };
  });
  return { state, graph, instances };
}

function cleared(found: FoundRun, options: Partial<ClearOptions>): readonly string[] {
  return planClear(found, { ...NOTHING, ...options }).instances.map(({ instance }) => instance.id);
}

const LINE = [task('a'), task('b', ['a']), task('c', ['b']), task('aside')];
const LINE_STATES = { a: 'success', b: 'failed', c: 'upstream_failed', aside: 'success' } as const;

describe('a clear', () => {
  const cases: readonly (readonly [rule: string, options: Partial<ClearOptions>, expected: readonly string[]])[] = [
    ['without names means every task', {}, ['a', 'b', 'c', 'aside']],
    ['means the named tasks alone', { tasks: [{ taskId: 'b' }] }, ['b']],
    ['takes what is above with it', { tasks: [{ taskId: 'b' }], upstream: true }, ['a', 'b']],
    ['takes what is below with it', { tasks: [{ taskId: 'b' }], downstream: true }, ['b', 'c']],
    ['of the failed leaves what succeeded', { onlyFailed: true }, ['b', 'c']],
    ['of the running finds none where none runs', { onlyRunning: true }, []],
    ['passes over a name that the version does not have', { tasks: [{ taskId: 'gone' }] }, []],
    ['of a map index that there is not is none', { tasks: [{ taskId: 'b', mapIndex: 4 }] }, []],
  ];

  test.each(cases)('%s', (_rule, options, expected) => {
    expect(cleared(run(LINE, LINE_STATES), options)).toEqual(expected);
  });

  test('of failed and running ones means either', () => {
    const found = run(LINE, { a: 'running', b: 'failed', c: 'success' }, 'running');
    expect(cleared(found, { onlyFailed: true, onlyRunning: true })).toEqual(['a', 'b']);
  });

  test('gives as many tries as at first on top of those that were had', () => {
    const [change] = planClear(run(LINE, { b: 'failed' }), NOTHING).instances;
    expect(change).toMatchObject({ to: 'none', maxTries: 5 });
  });

  const ends: readonly (readonly [from: TaskInstanceState, to: string | undefined])[] = [
    ['none', undefined],
    ['scheduled', 'none'],
    ['queued', 'none'],
    ['running', 'restarting'],
    ['restarting', undefined],
    ['deferred', 'none'],
    ['up_for_retry', 'none'],
    ['up_for_reschedule', 'none'],
    ['success', 'none'],
    ['failed', 'none'],
    ['skipped', 'none'],
    ['upstream_failed', 'none'],
    ['removed', 'none'],
  ];

  test.each(ends)('makes of %s %s', (from, to) => {
    expect(planClear(run(LINE, { a: from }, 'running'), NOTHING).instances[0]?.to).toBe(to);
  });

  test('lets a run that had ended run again, and one that runs go on', () => {
    expect(planClear(run(LINE, LINE_STATES, 'success'), NOTHING).run).toBe('queued');
    expect(planClear(run(LINE, LINE_STATES, 'running'), NOTHING).run).toBe('stays');
    expect(planClear(run(LINE, LINE_STATES, 'failed'), { ...NOTHING, tasks: [{ taskId: 'gone' }] }).run).toBe('stays');
  });

  test('of a whole run without task instances lets it run again', () => {
    expect(planClear(run(LINE, {}, 'success'), NOTHING).run).toBe('queued');
    expect(planClear(run(LINE, {}, 'success'), { ...NOTHING, onlyFailed: true }).run).toBe('stays');
  });

  test('leaves tasks that the version no longer has', () => {
    expect(cleared(run(LINE, { a: 'success', old: 'failed' }), {})).toEqual(['a']);
  });
});

describe('a clear with markers', () => {
  const fields = { dagId: 'report', taskId: 'wait', recursionDepth: 3 };
  const marker = (taskId: string, upstream: readonly string[] = []) => task(taskId, upstream, { operator: 'external_task_marker', fields });
  const markersIn = (found: FoundRun, options: Partial<ClearOptions>): readonly string[] =>
    findMarkers(found, { ...NOTHING, ...options }).map(({ marker: taskId }) => taskId);

  test('means what markers stand for with what is below it, beside what was named', () => {
    const found = run(LINE, LINE_STATES);
    expect(cleared(found, { tasks: [], marked: [{ taskId: 'b' }] })).toEqual(['b', 'c']);
    expect(cleared(found, { tasks: [{ taskId: 'aside' }], marked: [{ taskId: 'c' }] })).toEqual(['c', 'aside']);
    const mapped = run(LINE, { 'b[0]': 'success', 'b[1]': 'success', c: 'success' });
    expect(cleared(mapped, { tasks: [{ taskId: 'b', mapIndex: 0 }], marked: [{ taskId: 'b' }] })).toEqual(['b[0]', 'b[1]', 'c']);
    expect(cleared(mapped, { tasks: [{ taskId: 'b', mapIndex: 0 }], marked: [{ taskId: 'c' }] })).toEqual(['b[0]', 'c']);
  });

  test('follows those that it takes up', () => {
    const found = run([task('a'), marker('feeds', ['a']), marker('other')], { a: 'failed', feeds: 'upstream_failed', other: 'success' });
    expect(markersIn(found, {})).toEqual(['feeds', 'other']);
    expect(markersIn(found, { onlyFailed: true })).toEqual(['feeds']);
    expect(markersIn(found, { tasks: [{ taskId: 'a' }] })).toEqual([]);
    expect(markersIn(found, { tasks: [{ taskId: 'a' }], downstream: true })).toEqual(['feeds']);
    expect(findMarkers(found, { ...NOTHING, onlyFailed: true })).toEqual([{ marker: 'feeds', ...fields }]);
  });

  test('follows one that is as if it had never run, or about to be', () => {
    expect(markersIn(run([marker('feeds')], { feeds: 'none' }), { onlyFailed: true })).toEqual(['feeds']);
    expect(markersIn(run([marker('feeds')], { feeds: 'restarting' }), {})).toEqual(['feeds']);
  });

  test('passes over what has the name of a marker and is none', () => {
    expect(markersIn(run([task('feeds', [], { operator: 'external_task_marker' })], { feeds: 'success' }), {})).toEqual([]);
  });
});

describe('a clear among setups and teardowns', () => {
  const tasks = [
    task('cluster', [], { role: 'setup' }),
    task('load', ['cluster']),
    task('report', ['load']),
    task('drop', ['report', 'cluster'], { role: 'teardown', setups: ['cluster'], triggerRule: 'all_done_setup_success' }),
    task('after', ['report']),
    task('beside', ['cluster']),
    task('table', [], { role: 'setup' }),
    task('fill', ['table']),
  ];
  const found = run(tasks, Object.fromEntries(tasks.map(({ taskId }) => [taskId, 'success' as const])));
  const cases: readonly (readonly [rule: string, options: Partial<ClearOptions>, expected: readonly string[]])[] = [
    ['of work takes its setups and their teardowns', { tasks: [{ taskId: 'load' }] }, ['cluster', 'load', 'drop']],
    ['of work further down does, too', { tasks: [{ taskId: 'report' }] }, ['cluster', 'report', 'drop']],
    ['of a task behind the teardown does not', { tasks: [{ taskId: 'after' }] }, ['after']],
    ['of a task that its teardown does not wait for leaves the setup', { tasks: [{ taskId: 'beside' }] }, ['beside']],
    ['of a setup takes its teardown', { tasks: [{ taskId: 'cluster' }] }, ['cluster', 'drop']],
    ['of a teardown takes nothing else', { tasks: [{ taskId: 'drop' }] }, ['drop']],
    ['of work takes a setup that nothing takes away', { tasks: [{ taskId: 'fill' }] }, ['table', 'fill']],
    [
      'upwards takes the teardowns of the setups above',
      { tasks: [{ taskId: 'after' }], upstream: true },
      ['cluster', 'load', 'report', 'drop', 'after'],
    ],
  ];

  test.each(cases)('%s', (_rule, options, expected) => {
    expect(cleared(found, options)).toEqual(expected);
  });
});

describe('a clear of mapped tasks', () => {
  const tasks = [
    task('list'),
    task('each', ['list'], { expand: { kind: 'product', over: [{ name: 'x', source: { kind: 'xcom', taskId: 'list' } }] } }),
    task('regions.read', ['list'], { groupId: 'regions' }),
    task('regions.sum', ['regions.read'], { groupId: 'regions' }),
    task('all', ['regions.sum', 'each']),
  ];
  const states = {
    list: 'success',
    'each[0]': 'success',
    'each[1]': 'failed',
    'each[2]': 'removed',
    'regions.read[0]': 'success',
    'regions.read[1]': 'success',
    'regions.sum[0]': 'success',
    'regions.sum[1]': 'failed',
    all: 'upstream_failed',
  } as const;

  const cases: readonly (readonly [rule: string, options: Partial<ClearOptions>, ids: readonly string[], scopes: readonly string[]])[] = [
    ['at one index leaves the others', { tasks: [{ taskId: 'each', mapIndex: 1 }] }, ['each[1]'], []],
    ['at a surplus index is none', { tasks: [{ taskId: 'each', mapIndex: 2 }] }, [], []],
    ['as a whole expands it anew, surplus ones included', { tasks: [{ taskId: 'each' }] }, ['each[0]', 'each[1]', 'each[2]'], ['each']],
    ['of the failed keeps the expansion', { onlyFailed: true }, ['each[1]', 'regions.sum[1]', 'all'], []],
    [
      'stays at its index within the group',
      { tasks: [{ taskId: 'regions.read', mapIndex: 1 }], downstream: true },
      ['regions.read[1]', 'regions.sum[1]', 'all'],
      [],
    ],
    [
      'of a task in a group keeps the expansion while others stand',
      { tasks: [{ taskId: 'regions.sum' }] },
      ['regions.sum[0]', 'regions.sum[1]'],
      [],
    ],
    ['of what the list comes from expands all anew', { tasks: [{ taskId: 'list' }] }, ['list'], ['each', 'regions']],
  ];

  test.each(cases)('%s', (_rule, options, ids, scopes) => {
    const plan = planClear(run(tasks, states), { ...NOTHING, ...options });
    expect(plan.instances.map(({ instance }) => instance.id)).toEqual(ids);
    expect(plan.scopes).toEqual(scopes);
  });
});

test('finds the tasks that a newer version has and the run has not', () => {
  const { graph, instances } = run(LINE, { a: 'success', c: 'failed' });
  expect(findNewTasks(graph, instances)).toEqual(['b', 'aside']);
});
