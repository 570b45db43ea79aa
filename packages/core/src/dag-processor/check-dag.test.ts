import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { MAX_EDGES_PER_DAG, MAX_TASKS_PER_DAG } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { checkDag } from './check-dag.ts';

function task(taskId: string, more: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: {},
    upstream: [],
    triggerRule: 'all_success',
    retries: 0,
    retryDelayMs: 0,
    isolation: 'warm',
    outlets: [],
    ...more,
  };
}

function dag(more: Partial<SerializedDag> = {}): SerializedDag {
  return {
    schemaVersion: 1,
    dagId: 'orders',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 16,
    maxActiveTasks: 16,
    tasks: [],
    assets: [],
    ...more,
  };
}

function chain(length: number): SerializedTask[] {
  return Array.from({ length }, (_, index) => task(`t${index}`, { upstream: index === 0 ? [] : [`t${index - 1}`] }));
}

const asset = (name: string) => ({ name, uri: name, group: '', eventType: `${name}.completed`, watchers: [] });

describe('checkDag', () => {
  test('takes a dag that holds together', () => {
    const tasks = [
      task('extract'),
      task('load', { upstream: ['extract'], inputs: { rows: { kind: 'xcom', taskId: 'extract' } }, outlets: ['warehouse'] }),
    ];
    const good = dag({ tasks, assets: [asset('warehouse')], schedule: { kind: 'asset', any: ['warehouse'] } });
    expect(checkDag(good)).toEqual({ ok: true, dag: good });
  });

  test('takes a chain of as many tasks as a dag may have', () => {
    expect(checkDag(dag({ tasks: chain(MAX_TASKS_PER_DAG) })).ok).toBe(true);
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /^a dag without an id: /],
    ['text', 'orders', /^a dag without an id: /],
    ['a field of the wrong kind', { ...dag(), tags: 'x' }, /^dag "orders": tags: /],
    ['an unknown field', { ...dag(), ownr: 'x' }, /^dag "orders": .*ownr/],
    ['another schema version', { ...dag(), schemaVersion: 2 }, /^dag "orders": schemaVersion: /],
    ['a bad dag id', dag({ dagId: 'a/b' }), /^dag "a\/b": dagId: is not a valid dag id/],
    ['a bad field of a task', dag({ tasks: [task('load', { retries: -1 })] }), /^dag "orders": task "load", retries: /],
    ['a task without an id', dag({ tasks: [task('a'), { ...task(''), taskId: 7 as never }] }), /^dag "orders": task 2, taskId: /],
    ['two tasks with one id', dag({ tasks: [task('a'), task('a')] }), /two tasks have the id "a"/],
    ['an unknown upstream task', dag({ tasks: [task('a', { upstream: ['b'] })] }), /task "a": comes after "b", which is no task/],
    [
      'an upstream task twice',
      dag({ tasks: [task('a'), task('b', { upstream: ['a', 'a'] })] }),
      /task "b": names the same upstream task twice/,
    ],
    [
      'an input of a task that is not upstream',
      dag({ tasks: [task('a'), task('b', { inputs: { rows: { kind: 'xcom', taskId: 'a' } } })] }),
      /task "b": input "rows" is the value of "a", which is not upstream/,
    ],
    [
      'a cycle',
      dag({
        tasks: [task('first'), task('a', { upstream: ['first', 'c'] }), task('b', { upstream: ['a'] }), task('c', { upstream: ['b'] })],
      }),
      /in a circle: a → b → c → a$/,
    ],
    ['a task that waits for itself', dag({ tasks: [task('a', { upstream: ['a'] })] }), /in a circle: a → a$/],
    ['a schedule on an unknown asset', dag({ schedule: { kind: 'asset', any: ['orders'] } }), /its schedule names the asset "orders"/],
    ['an outlet that is no asset', dag({ tasks: [task('a', { outlets: ['x'] })] }), /task "a": its outlets name the asset "x"/],
    ['two assets with one name', dag({ assets: [asset('x'), asset('x')] }), /two of its assets have the same name/],
    ['too many tasks', dag({ tasks: chain(MAX_TASKS_PER_DAG + 1) }), /has 10001 tasks, and at most 10000/],
    [
      'too many edges',
      dag({ tasks: [task('a', { upstream: Array.from({ length: MAX_EDGES_PER_DAG + 1 }, () => 'a') })] }),
      /has 100001 edges, and at most 100000/,
    ],
  ])('refuses %s, saying which and where', (_, candidate, problem) => {
    const checked = checkDag(candidate);
    expect(checked.ok ? 'it was taken' : checked.problem).toMatch(problem);
  });

  test('names a circle of 10,000 tasks without going through all of them', () => {
    const [first, ...others] = chain(MAX_TASKS_PER_DAG);
    const tasks = [{ ...first, upstream: [`t${MAX_TASKS_PER_DAG - 1}`] } as SerializedTask, ...others];
    const checked = checkDag(dag({ tasks }));
    expect(checked.ok ? 'it was taken' : checked.problem.length).toBeLessThan(500);
  });
});
