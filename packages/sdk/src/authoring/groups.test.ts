import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { dag, type DagBuilder, type GroupRef, type TaskRef } from '../index.ts';

const run = (): number => 1;

/** What the tasks of a dag come after, by task id. */
function upstreamOf(define: (d: DagBuilder<{}, never>) => void): Readonly<Record<string, readonly string[]>> {
  const { serialized } = dag('d', define);
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return Object.fromEntries(serialized.tasks.map(({ taskId, upstream }) => [taskId, upstream]));
}

describe('a group', () => {
  test('prefixes the ids of what is inside, groups included', () => {
    const { serialized } = dag('d', (d) => {
      d.group('report', { displayName: 'Report', doc: '# Report' }, (g) => {
        g.task('read', { run });
        g.group('send', (h) => {
          h.task('mail', { run });
        });
      });
    });
    expect(serialized.groups).toEqual([
      { groupId: 'report', displayName: 'Report', doc: '# Report' },
      { groupId: 'report.send', parentId: 'report' },
    ]);
    expect(serialized.tasks.map(({ taskId, groupId }) => [taskId, groupId])).toEqual([
      ['report.read', 'report'],
      ['report.send.mail', 'report.send'],
    ]);
  });

  test('leaves ids alone where it is told to, and those of the groups around it with them', () => {
    const { serialized } = dag('d', (d) => {
      d.group('outer', (g) => {
        g.group('bare', { prefixGroupId: false }, (h) => {
          h.task('read', { run });
        });
      });
    });
    expect(serialized.groups?.map(({ groupId }) => groupId)).toEqual(['outer', 'outer.bare']);
    expect(serialized.tasks[0]).toMatchObject({ taskId: 'read', groupId: 'outer.bare' });
  });

  test('comes after what it names, and is come after, by its first and last tasks', () => {
    const upstream = upstreamOf((d) => {
      const start = d.task('start', { run });
      const group = d.group('g', { after: [start] }, (g) => {
        const a = g.task('a', { run });
        g.task('b', { after: [a], run });
        g.task('c', { run });
      });
      d.task('end', { after: [group], run });
    });
    expect(upstream).toEqual({ start: [], 'g.a': ['start'], 'g.b': ['g.a'], 'g.c': ['start'], end: ['g.b', 'g.c'] });
  });

  test('hands its own edges to the first tasks of groups inside', () => {
    const upstream = upstreamOf((d) => {
      const start = d.task('start', { run });
      d.group('outer', { after: [start] }, (g) => {
        const inner = g.group('inner', (h) => {
          h.task('a', { run });
        });
        g.task('b', { after: [inner], run });
      });
    });
    expect(upstream).toEqual({ start: [], 'outer.inner.a': ['start'], 'outer.b': ['outer.inner.a'] });
  });

  test('is not waited for by the taking away of its work', () => {
    const upstream = upstreamOf((d) => {
      const group = d.group('g', (g) => {
        const cluster = g.setup('create', { run });
        const work = g.task('work', { after: [cluster], run });
        g.teardown('drop', { setups: [cluster], after: [work], run });
        const unused = g.setup('unused', { run });
        g.teardown('drop_unused', { setups: [unused], run });
      });
      const onlySetup = d.group('s', (g) => {
        const made = g.setup('create', { run });
        g.teardown('drop', { setups: [made], run });
      });
      d.task('end', { after: [group, onlySetup], run });
    });
    expect(upstream['end']).toEqual(['g.work', 's.create']);
  });

  test('gives its defaults to tasks inside, which win over the dag’s and lose to a task’s own', () => {
    const { tasks } = dag('d', { taskDefaults: { retries: 1, pool: 'dag', queue: 'dag', dependsOnPast: true } }, (d) => {
      d.group('g', { taskDefaults: { retries: 2, pool: 'group' } }, (g) => {
        g.task('own', { retries: 3, dependsOnPast: false, run });
        g.group('inner', { taskDefaults: { pool: 'inner' } }, (h) => {
          h.task('a', { run });
        });
      });
    }).serialized;
    expect(tasks[0]).toMatchObject({ retries: 3, pool: 'group', queue: 'dag' });
    expect(tasks[0]).not.toHaveProperty('dependsOnPast');
    expect(tasks[1]).toMatchObject({ retries: 2, pool: 'inner', queue: 'dag', dependsOnPast: true });
  });

  test('returns what its callback returned', () => {
    dag('d', (d) => {
      const group = d.group('g', (g) => ({ rows: g.task('rows', { run: () => [1] }), count: 2 }));
      expect(group).toMatchObject({ groupId: 'g', refs: { rows: { taskId: 'g.rows' }, count: 2 } });
      const single = d.group('h', (g) => g.task('rows', { run }));
      expect(single.refs.taskId).toBe('h.rows');
    });
  });
});

describe('a group is refused', () => {
  /** Calls methods as JavaScript would: with anything. */
  type Loose = { readonly [Method in 'task' | 'group']: (...args: readonly unknown[]) => unknown };
  const define = (build: (d: Loose) => void) => () => dag('d', build as unknown as (d: DagBuilder<{}, never>) => void);
  const one = (g: Loose): void => {
    g.task('t', { run });
  };

  test.each<[string, (d: Loose) => void, string]>([
    ['a bad id', (d) => d.group('no spaces', one), 'dag "d", group "no spaces": a group id is 1 to 200 letters'],
    ['a dot in its id', (d) => d.group('a.b', one), 'a group id is 1 to 200 letters'],
    [
      'an id that is too long with those around it',
      (d) => d.group('x'.repeat(200), (g: Loose) => g.group('y'.repeat(60), one)),
      'at most 250',
    ],
    ['an unknown option', (d) => d.group('g', { afer: [] }, one), "'afer' is not a field of a group; did you mean 'after'?"],
    ['expand without being mapped', (d) => d.group('g', { expand: {} }, one), "'expand' is not a field of a group"],
    ['no callback', (d) => d.group('g', {}), 'the callback of a group must be a function'],
    ['an async callback', (d) => d.group('g', async () => {}), 'the callback of a group is async'],
    ['a bad default', (d) => d.group('g', { taskDefaults: { retries: -1 } }, one), 'group "g", taskDefaults: retries is -1'],
    [
      'the id of a group',
      (d) => {
        d.group('g', one);
        d.group('g', one);
      },
      'group "g": the dag already has a group of this id',
    ],
    [
      'the id of a task',
      (d) => {
        d.task('g', { run });
        d.group('g', one);
      },
      'tasks and groups share their ids',
    ],
    [
      'a task of the id of a group',
      (d) => {
        d.group('g', one);
        d.task('g', { run });
      },
      'task "g": the dag already has a group of this id',
    ],
    [
      'being named while it has no task',
      (d) => {
        d.task('t', { after: [d.group('empty', () => {})], run });
      },
      'after[0] is group "empty", which has no task to wait for',
    ],
    ['being named where a value is wanted', (d) => d.task('t', { inputs: { g: d.group('g', one) }, run }), 'inputs.g'],
  ])('for %s', (_, build, message) => {
    expect(define(build)).toThrow(message);
  });

  test('where it is added to after its callback has returned', () => {
    let kept: DagBuilder<{}, never> | undefined;
    expect(() =>
      dag('d', (d) => {
        d.group('g', (g) => {
          kept = g;
          g.task('t', { run });
        });
        kept?.task('late', { run });
      }),
    ).toThrow('it was added after the callback of group "g" had returned');
  });

  test('where it is of another dag', () => {
    let foreign: GroupRef | undefined;
    dag('other', (d) => {
      foreign = d.group('g', (g) => g.task('t', { run }));
    });
    expect(() =>
      dag('d', (d) => {
        d.task('t', { after: [foreign as GroupRef<TaskRef<number>>], run });
      }),
    ).toThrow('after[0] is group "g" of another dag');
  });
});
