import { describe, expect, test } from 'vitest';
import { checkGraph } from './check-graph.ts';

const task = (taskId: string, ...upstream: string[]) => ({ taskId, upstream });

describe('checkGraph', () => {
  test.each([
    ['no task', []],
    ['a chain', [task('a'), task('b', 'a'), task('c', 'b')]],
    ['a diamond', [task('a'), task('b', 'a'), task('c', 'a'), task('d', 'b', 'c')]],
    ['a chain of 10,000', Array.from({ length: 10_000 }, (_, index) => (index === 0 ? task('0') : task(String(index), String(index - 1))))],
  ])('passes %s', (_, tasks) => {
    expect(() => {
      checkGraph('dag "d"', tasks);
    }).not.toThrow();
  });

  test.each([
    ['a task that waits for itself', [task('a', 'a')], 'dag "d": tasks "a" wait for each other'],
    ['two tasks of one id', [task('a'), task('b', 'a'), task('a', 'b')], 'dag "d": two tasks have one id'],
    ['a cycle behind a task', [task('start'), task('a', 'start', 'b'), task('b', 'a')], 'tasks "a", "b" wait for each other'],
  ])('refuses %s', (_, tasks, message) => {
    expect(() => {
      checkGraph('dag "d"', tasks);
    }).toThrow(message);
  });
});
