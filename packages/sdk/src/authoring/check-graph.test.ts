import { describe, expect, test } from 'vitest';
import { checkGraph } from './check-graph.ts';
import type { AuthoredTask } from './open-dag.ts';

/** As much of a task as its place in the graph needs. */
const task = (taskId: string, ...upstream: string[]) =>
  ({ taskId, upstream: new Set(upstream), followedOn: new Map(), fields: {} }) as unknown as AuthoredTask;
const check = (tasks: readonly AuthoredTask[]) =>
  checkGraph('dag "d"', { tasks: new Map(tasks.map((one) => [one.taskId, one])) }).map(({ taskId }) => taskId);

describe('checkGraph', () => {
  test.each([
    ['no task', []],
    ['a chain', [task('a'), task('b', 'a'), task('c', 'b')]],
    ['a diamond', [task('a'), task('b', 'a'), task('c', 'a'), task('d', 'b', 'c')]],
    ['a chain of 10,000', Array.from({ length: 10_000 }, (_, index) => (index === 0 ? task('0') : task(String(index), String(index - 1))))],
  ])('passes %s', (_, tasks) => {
    expect(() => {
      check(tasks);
    }).not.toThrow();
  });

  test.each([
    ['a task that waits for itself', [task('a', 'a')], 'dag "d": tasks wait for each other: "a" → "a"; remove one edge'],
    ['a cycle behind a task', [task('start'), task('a', 'start', 'b'), task('b', 'a')], 'tasks wait for each other: "a" → "b" → "a"'],
  ])('refuses %s', (_, tasks, message) => {
    expect(() => {
      check(tasks);
    }).toThrow(message);
  });

  test('puts a task after those that it waits for, and leaves the others as they were added', () => {
    expect(check([task('drop', 'create', 'work'), task('create'), task('first'), task('work', 'create')])).toEqual([
      'create',
      'work',
      'drop',
      'first',
    ]);
  });
});
