import { DEFAULT_MAX_MAP_LENGTH } from '@tradewind/protocol';
import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { concat, dag, sets, zip, type DagBuilder, type ExpandedRef, type TaskRef } from '../index.ts';

const run = (): number => 1;

const serialize = (define: (d: DagBuilder<{}, never>) => void) => {
  const { serialized } = dag('d', define);
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return serialized;
};

describe('a mapped task', () => {
  test('is expanded over what tasks return, over literals, and over what is made of them', () => {
    const { tasks } = serialize((d) => {
      const files = d.task('files', { run: () => ['a'] });
      const names = d.task('names', { run: () => ({ a: 1 }) });
      d.mappedTask('load', {
        expand: { file: files, region: ['eu', 'us'], pair: zip([files, ['x']], { fillValue: null }), all: concat([names, { b: 2 }]) },
        inputs: { header: true },
        mapIndexTemplate: '{{ file }}',
        run,
      });
    });
    expect(tasks[2]).toMatchObject({
      inputs: { header: { kind: 'literal', value: true } },
      upstream: ['files', 'names'],
      mapIndexTemplate: '{{ file }}',
      expand: {
        kind: 'product',
        over: [
          { name: 'file', source: { kind: 'xcom', taskId: 'files' } },
          { name: 'region', source: { kind: 'literal', value: ['eu', 'us'] } },
          {
            name: 'pair',
            source: {
              kind: 'zip',
              of: [
                { kind: 'xcom', taskId: 'files' },
                { kind: 'literal', value: ['x'] },
              ],
              fillValue: null,
            },
          },
          {
            name: 'all',
            source: {
              kind: 'concat',
              of: [
                { kind: 'xcom', taskId: 'names' },
                { kind: 'literal', value: { b: 2 } },
              ],
            },
          },
        ],
      },
    });
  });

  test('is expanded over sets of arguments', () => {
    const { tasks } = serialize((d) => {
      const plan = d.task('plan', { run: () => [{ from: 'a', to: 'b' }] });
      d.mappedTask('copy', { expand: sets(plan), run: ({ from, to }) => from + to });
    });
    expect(tasks[1]).toMatchObject({ expand: { kind: 'sets', source: { kind: 'xcom', taskId: 'plan' } }, upstream: ['plan'] });
  });

  const long = Array.from({ length: DEFAULT_MAX_MAP_LENGTH + 1 }, (_, index) => index);
  test.each<[string, unknown, string]>([
    ['nothing to map over', {}, 'expand names nothing to map over'],
    ['a list where names are wanted', [1, 2], 'expand is [ 1, 2 ]; name what each task instance is given'],
    ['no expand', undefined, 'expand is undefined'],
    ['a value that is no list', { file: 'a.csv' }, "expand.file is 'a.csv'; map over a list, a record"],
    ['a list that is too long', { n: long }, 'expand.n has 1025 elements, and at most 1024 are mapped over'],
    ['too many combinations', { a: long.slice(0, 100), b: long.slice(0, 100) }, 'expand makes 10000 combinations'],
    ['a name that is an input', { header: [1] }, "'header' is both an input and something to map over"],
    ['a bad name', { 'a-b': [1] }, "'a-b' cannot name an input"],
    ['sets that are no objects', sets([1] as never), 'the list of sets()[0] is 1; each element is an object of inputs'],
    ['a set with the name of an input', sets([{ header: 1 }]), "'header' is both an input and something to map over"],
    ['sets over a record', sets({ a: {} }), 'the list of sets() is an object; give a list of objects'],
    ['zip of nothing', { x: zip([]) }, 'expand.x is zip() of nothing'],
    ['a value in zip that is no list', { x: zip([1] as never) }, 'expand.x, list 1 of zip() is 1'],
    ['a literal that is not JSON', { x: [new Date(0)] }, 'expand.x[0] is an instance of Date'],
  ])('is refused for %s', (_, expand, message) => {
    expect(() =>
      dag('d', (d) => {
        d.mappedTask('t', { expand: expand as { x: string[] }, inputs: { header: 1 }, run });
      }),
    ).toThrow(message);
  });

  test('is refused where lists are put together without end', () => {
    let list: unknown = ['a'];
    for (let depth = 0; depth < 10; depth += 1) list = concat([list as string[]]);
    expect(() =>
      dag('d', (d) => {
        d.mappedTask('t', { expand: { x: list as string[] }, run });
      }),
    ).toThrow('puts lists together more than 8 levels deep');
  });
});

describe('a mapped group', () => {
  test('gives its tasks what one index is given, and waits for what it runs over', () => {
    const { tasks, groups } = serialize((d) => {
      const regions = d.task('regions', { run: () => ['eu'] });
      const group = d.mappedGroup('per_region', { expand: { region: regions } }, (g, { region }) => {
        const rows = g.task('read', { run: () => [1] });
        return { count: g.task('count', { inputs: { rows, region }, run: ({ rows, region }) => `${region}: ${rows.length}` }) };
      });
      d.task('total', { inputs: { counts: group.refs.count }, run: ({ counts }) => counts.toArray() });
    });
    expect(groups).toEqual([
      {
        groupId: 'per_region',
        expand: { kind: 'product', over: [{ name: 'region', source: { kind: 'xcom', taskId: 'regions' } }] },
      },
    ]);
    expect(tasks.map(({ taskId, upstream }) => [taskId, upstream])).toEqual([
      ['regions', []],
      ['per_region.read', ['regions']],
      ['per_region.count', ['per_region.read', 'regions']],
      ['total', ['per_region.count']],
    ]);
    expect(tasks[2]?.inputs).toEqual({
      rows: { kind: 'xcom', taskId: 'per_region.read' },
      region: { kind: 'expanded', name: 'region' },
    });
  });

  test('takes sets, whose names are those that its callback asks for', () => {
    const { tasks } = serialize((d) => {
      d.mappedGroup('g', { expand: sets([{ from: 'a', to: 'b' }]) }, (g, { from, to }) => {
        g.task('copy', { inputs: { from, to }, run: ({ from, to }) => from + to });
      });
    });
    expect(tasks[0]?.inputs).toEqual({ from: { kind: 'expanded', name: 'from' }, to: { kind: 'expanded', name: 'to' } });
  });

  test('may be mapped inside of a group, and have groups inside', () => {
    const { tasks, groups } = serialize((d) => {
      d.group('outer', (o) => {
        o.mappedGroup('each', { expand: { x: [1] } }, (g, { x }) => {
          g.group('inner', (h) => {
            h.task('t', { inputs: { x }, run: ({ x }) => x });
          });
        });
      });
    });
    expect(groups?.map(({ groupId, parentId }) => [groupId, parentId])).toEqual([
      ['outer', undefined],
      ['outer.each', 'outer'],
      ['outer.each.inner', 'outer.each'],
    ]);
    expect(tasks[0]?.inputs).toEqual({ x: { kind: 'expanded', name: 'x' } });
  });

  const mapped = (define: (g: DagBuilder<{}, never>, x: ExpandedRef<number>, d: DagBuilder<{}, never>) => void) => () =>
    dag('d', (d) => {
      d.mappedGroup('g', { expand: { x: [1] } }, (g, { x }) => {
        define(g, x, d);
      });
    });

  test('cannot hold another mapped thing', () => {
    expect(
      mapped((g) => {
        g.mappedTask('t', { expand: { y: [1] }, run });
      }),
    ).toThrow('task "g.t": it is mapped, and so is the group "g" around it; return the list from the group and map over it outside');
    expect(
      mapped((g) => {
        g.mappedGroup('h', { expand: { y: [1] } }, () => {});
      }),
    ).toThrow('group "g.h": it is mapped, and so is the group "g" around it');
  });

  test('cannot hold a task that runs always', () => {
    expect(
      mapped((g) => {
        g.task('t', { triggerRule: 'always', run });
      }),
    ).toThrow('triggerRule is \'always\' inside of the mapped group "g"');
  });

  test('keeps what an index is given inside', () => {
    expect(
      mapped((_, x, d) => {
        d.task('t', { inputs: { x }, run });
      }),
    ).toThrow('inputs.x is "x" of the mapped group "g"; only tasks inside of it can name what one of its indices is given');
  });

  test('gives refs that tasks outside can name in place of those inside', () => {
    expect(() =>
      dag('d', (d) => {
        let inner: TaskRef<number> | undefined;
        const group = d.mappedGroup('g', { expand: { x: [1] } }, (g) => {
          inner = g.task('t', { run });
          return { nested: g.group('n', (h) => [h.task('u', { run })] as const) };
        });
        d.task('ok', { inputs: { u: group.refs.nested.refs[0] }, run: ({ u }) => u.length });
        d.task('bad', { inputs: { inner: inner as TaskRef<number> }, run });
      }),
    ).toThrow('task "bad": inputs.inner is task "g.t"; outside of the mapped group "g" name what mappedGroup() returned');
  });

  test('keeps the choices of its branches inside', () => {
    expect(() =>
      dag('d', (d) => {
        const group = d.mappedGroup('g', { expand: { x: [1] } }, (g) => {
          const size = g.branch('size', { choices: ['big'], run: () => 'big' as const });
          g.task('t', { after: [size.choice('big')], run });
          return { big: size.choice('big') };
        });
        d.task('outside', { after: [group.refs.big as never], run });
      }),
    ).toThrow('after[0] is a choice of "g.size", which each index of the mapped group "g" makes for itself');
  });
});
