import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { diffDagVersions, isEmptyDiff } from './dag-version-diff.ts';

function task(taskId: string, upstream: readonly string[] = [], changes: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: {},
    upstream,
    triggerRule: 'all_success',
    retries: 0,
    retryDelayMs: 1,
    isolation: 'warm',
    outlets: [],
    ...changes,
  };
}

function dag(tasks: readonly SerializedTask[], changes: Partial<SerializedDag> = {}): SerializedDag {
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
    tasks,
    assets: [],
    ...changes,
  };
}

const asset = (name: string, group = 'asset') => ({ name, uri: name, group, eventType: name, watchers: [] });

describe('the difference between two versions', () => {
  test('is nothing where only the order of tasks and of keys is another', () => {
    const before = dag([task('a'), task('b', ['a'])], { params: { x: { type: 'string', default: 'y' } } });
    const after = dag([task('b', ['a']), task('a')], { params: { x: { default: 'y', type: 'string' } } });
    expect(isEmptyDiff(diffDagVersions(before, after))).toBe(true);
  });

  test('names tasks that came, went and changed, with the values that changed', () => {
    const before = dag([task('a'), task('b', ['a']), task('gone')]);
    const after = dag([task('a', [], { retries: 3, pool: 'small' }), task('b', ['a']), task('new', ['b'])]);
    expect(diffDagVersions(before, after)).toMatchObject({
      addedTasks: ['new'],
      removedTasks: ['gone'],
      changedTasks: [
        {
          taskId: 'a',
          options: [
            { name: 'pool', before: undefined, after: 'small' },
            { name: 'retries', before: 0, after: 3 },
          ],
        },
      ],
      addedEdges: [{ from: 'b', to: 'new' }],
      removedEdges: [],
    });
  });

  test('of the edges alone leaves the tasks as they are', () => {
    const diff = diffDagVersions(dag([task('a'), task('b'), task('c', ['a'])]), dag([task('a'), task('b'), task('c', ['b'])]));
    expect(diff).toMatchObject({ changedTasks: [], addedEdges: [{ from: 'b', to: 'c' }], removedEdges: [{ from: 'a', to: 'c' }] });
    expect(isEmptyDiff(diff)).toBe(false);
  });

  test('names options of the dag, assets and groups', () => {
    const before = dag([], { maxActiveRuns: 1, owner: 'sales', assets: [asset('kept'), asset('moved'), asset('gone')] });
    const after = dag([], { maxActiveRuns: 2, assets: [asset('kept'), asset('moved', 'other'), asset('new')], groups: [{ groupId: 'g' }] });
    expect(diffDagVersions(before, after)).toMatchObject({
      options: [
        { name: 'maxActiveRuns', before: 1, after: 2 },
        { name: 'owner', before: 'sales', after: undefined },
      ],
      assets: { added: ['new'], removed: ['gone'], changed: ['moved'] },
      groups: { added: ['g'], removed: [], changed: [] },
    });
  });
});
