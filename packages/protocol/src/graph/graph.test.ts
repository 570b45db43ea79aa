import { describe, expect, test } from 'vitest';
import type { MapSource } from '../expansion.ts';
import type { JsonValue } from '../json.ts';
import type { SerializedDag } from '../serialized-dag.ts';
import type { SerializedTask } from '../serialized-task.ts';
import { compileGraph, decideRunOutcome, decideSkips, expandSources, type RunGraph } from './index.ts';

const task = (taskId: string, upstream: readonly string[] = [], changes: Partial<SerializedTask> = {}): SerializedTask => ({
  taskId,
  operator: 'function',
  inputs: {},
  upstream,
  triggerRule: 'all_success',
  retries: 0,
  retryDelayMs: 0,
  isolation: 'warm',
  outlets: [],
  ...changes,
});

function graphOf(tasks: readonly SerializedTask[], changes: Partial<SerializedDag> = {}): RunGraph {
  return compileGraph({
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
  });
}

const nodeOf = (graph: RunGraph, taskId: string) => {
  const node = graph.nodes[graph.indexOf.get(taskId) ?? -1];
  if (node === undefined) throw new Error(`there is no ${taskId}`);
  return node;
};
const namesOf = (graph: RunGraph, places: readonly number[]) =>
  places.map((place) => graph.nodes[place]?.task.taskId ?? '').toSorted((one, other) => one.localeCompare(other));

describe('priorities', () => {
  const diamond = (changes: Partial<SerializedTask>) =>
    graphOf([
      task('a', [], changes),
      task('b', ['a'], changes),
      task('c', ['a'], { ...changes, priorityWeight: 5 }),
      task('d', ['b', 'c'], changes),
    ]);
  const prioritiesOf = (graph: RunGraph) => graph.nodes.map(({ priority }) => priority);

  test('count each task below once', () => {
    expect(prioritiesOf(diamond({}))).toEqual([8, 2, 6, 1]);
  });

  test('count each task above once where the rule says upstream', () => {
    expect(prioritiesOf(diamond({ weightRule: 'upstream' }))).toEqual([1, 2, 6, 8]);
  });

  test('are the task’s own where the rule says absolute', () => {
    expect(prioritiesOf(diamond({ weightRule: 'absolute' }))).toEqual([1, 1, 5, 1]);
  });

  test('count across the borders of machine words', () => {
    const chain = graphOf(Array.from({ length: 100 }, (_, index) => task(`t${index}`, index === 0 ? [] : [`t${index - 1}`])));
    expect(prioritiesOf(chain)).toEqual(Array.from({ length: 100 }, (_, index) => 100 - index));
  });

  test('do not leave 32 bits', () => {
    const heavy = { priorityWeight: 2_000_000_000 };
    expect(prioritiesOf(graphOf([task('a', [], heavy), task('b', ['a'], heavy)]))).toEqual([2_147_483_647, 2_000_000_000]);
  });
});

describe('setups', () => {
  const graph = graphOf([
    task('make', [], { role: 'setup' }),
    task('first', ['make']),
    task('second', ['first']),
    task('drop', ['second', 'make'], { role: 'teardown', setups: ['make'] }),
    task('beyond', ['drop', 'second']),
  ]);

  test('cover the work between them and their teardowns', () => {
    expect(namesOf(graph, nodeOf(graph, 'second').indirectSetups)).toEqual(['make']);
    expect(nodeOf(graph, 'first').indirectSetups).toEqual([]);
    expect(nodeOf(graph, 'beyond').indirectSetups).toEqual([]);
    expect(namesOf(graph, nodeOf(graph, 'make').dependents)).toEqual(['drop', 'first', 'second']);
  });

  test('that nothing takes away cover all below them', () => {
    const open = graphOf([task('make', [], { role: 'setup' }), task('first', ['make']), task('second', ['first'])]);
    expect(namesOf(open, nodeOf(open, 'second').indirectSetups)).toEqual(['make']);
  });

  test('and their teardowns leave the verdict to the work', () => {
    const leaf = graphOf([task('work'), task('drop', ['work'], { role: 'teardown' })]);
    const failing = (taskId: string) =>
      decideRunOutcome(leaf, (index) => [leaf.nodes[index]?.task.taskId === taskId ? 'failed' : 'success']);
    expect([failing('work'), failing('drop')]).toEqual(['failed', 'success']);
    const strict = graphOf([task('work'), task('drop', ['work'], { role: 'teardown', failsDagRun: true })]);
    expect(decideRunOutcome(strict, (index) => [index === 1 ? 'failed' : 'success'])).toBe('failed');
  });
});

describe('mapped scopes', () => {
  const over = (taskId: string) => ({ kind: 'product', over: [{ name: 'x', source: { kind: 'xcom', taskId } }] }) as const;

  test('are mapped tasks and all tasks of a mapped group, nested groups included', () => {
    const graph = graphOf(
      [
        task('list'),
        task('g.a', ['list'], { groupId: 'g' }),
        task('g.h.b', ['g.a', 'list'], { groupId: 'g.h' }),
        task('each', ['g.h.b', 'list'], { expand: over('list') }),
      ],
      {
        groups: [
          { groupId: 'g', expand: over('list') },
          { groupId: 'g.h', parentId: 'g' },
        ],
      },
    );
    expect(graph.scopes.map(({ id, kind, members, sources }) => [id, kind, namesOf(graph, members), namesOf(graph, sources)])).toEqual([
      ['each', 'task', ['each'], ['list']],
      ['g', 'group', ['g.a', 'g.h.b'], ['list']],
    ]);
    expect(namesOf(graph, nodeOf(graph, 'g.h.b').inner)).toEqual(['g.a']);
    expect(namesOf(graph, nodeOf(graph, 'g.h.b').outer)).toEqual(['list']);
    expect(nodeOf(graph, 'each').inner).toEqual([]);
  });
});

describe('a choice', () => {
  const graph = graphOf([
    task('size', [], { decision: { kind: 'branch', choices: ['big', 'small', 'none'] } }),
    task('big', ['size'], { followedOn: { size: ['big'] } }),
    task('small', ['size'], { followedOn: { size: ['small'] } }),
    task('end', ['size', 'big'], { followedOn: { size: ['none'] } }),
    task('drop', ['size'], { role: 'teardown', followedOn: { size: ['none'] } }),
  ]);
  const skipped = (...follow: string[]) => namesOf(graph, decideSkips(graph, 0, { kind: 'branch', follow }));

  test.each([
    [['big'], ['small']],
    [['small'], ['big', 'end']],
    [['none'], ['big', 'small']],
    [[], ['big', 'end', 'small']],
    [['big', 'small'], []],
  ] as const)('of %j skips %j', (follow, expected) => {
    expect(skipped(...follow)).toEqual(expected);
  });
});

describe('expansion', () => {
  const literal = (value: readonly JsonValue[] | { readonly [key: string]: JsonValue }) => ({ kind: 'literal', value }) as const;
  const all = (expanded: ReturnType<typeof expandSources>) =>
    expanded.ok ? Array.from({ length: expanded.length }, (_, index) => expanded.inputsOf(index)) : expanded.problem;
  const product = (source: MapSource) => all(expandSources({ kind: 'product', over: [{ name: 'x', source }] }, () => [7, 8]));

  test('zips to the shortest, or fills up', () => {
    const of = [literal([1, 2, 3]), { kind: 'xcom', taskId: 'list' } as const];
    expect(product({ kind: 'zip', of })).toEqual([{ x: [1, 7] }, { x: [2, 8] }]);
    expect(product({ kind: 'zip', of, fillValue: null })).toEqual([{ x: [1, 7] }, { x: [2, 8] }, { x: [3, null] }]);
  });

  test('puts lists one after the other', () => {
    expect(product({ kind: 'concat', of: [literal(['a']), { kind: 'xcom', taskId: 'list' }, literal({ k: 1 })] })).toEqual([
      { x: 'a' },
      { x: 7 },
      { x: 8 },
      { x: ['k', 1] },
    ]);
  });

  test('is empty where one list of a product is', () => {
    const over = [
      { name: 'x', source: literal([1, 2]) },
      { name: 'y', source: literal([]) },
    ];
    expect(expandSources({ kind: 'product', over }, () => null)).toMatchObject({ ok: true, length: 0 });
  });

  test('says what is no list', () => {
    const over = [{ name: 'x', source: { kind: 'xcom', taskId: 'list' } as const }];
    expect(expandSources({ kind: 'product', over }, () => 'text')).toEqual({
      ok: false,
      problem: 'what input "x" is to run over is a string and not a list or an object',
    });
    expect(expandSources({ kind: 'sets', source: literal([{ a: 1 }, 2]) }, () => null)).toEqual({
      ok: false,
      problem: 'argument set 1 is no object of inputs',
    });
  });
});
