import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { dag, type DagBuilder, type SetupRef } from '../index.ts';

const run = (): number => 1;

const tasksOf = (define: (d: DagBuilder<{}, never>) => void) => {
  const { serialized } = dag('d', define);
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return serialized.tasks;
};
const edgesOf = (define: (d: DagBuilder<{}, never>) => void) =>
  Object.fromEntries(tasksOf(define).map(({ taskId, upstream }) => [taskId, upstream]));

describe('a teardown', () => {
  test('names its setups, comes after them, and has its own trigger rule', () => {
    const [create, work, drop] = tasksOf((d) => {
      const cluster = d.setup('create', { run });
      const work = d.task('work', { inputs: { cluster }, run });
      d.teardown('drop', { setups: [cluster], after: [work], inputs: { cluster }, failsDagRun: true, run: ({ cluster }) => cluster });
    });
    expect(create).toMatchObject({ role: 'setup', triggerRule: 'all_success' });
    expect(work).not.toHaveProperty('role');
    expect(drop).toMatchObject({
      role: 'teardown',
      setups: ['create'],
      failsDagRun: true,
      triggerRule: 'all_done_setup_success',
      upstream: ['create', 'work'],
    });
  });

  test('leaves the run alone where it fails, unless it is told otherwise', () => {
    const [drop] = tasksOf((d) => {
      d.teardown('drop', { run });
    });
    expect(drop).not.toHaveProperty('failsDagRun');
  });

  test.each([
    ['a trigger rule', { run, triggerRule: 'all_done' }, "'triggerRule' is not a field of a teardown"],
    ['setups that are no list', { run, setups: 'create' }, "setups must be a list of what d.setup() returned, and not 'create'"],
    ['a text in setups', { run, setups: ['create'] }, "setups[0] is 'create'; list what d.setup() returned"],
  ])('is refused for %s', (_, spec, message) => {
    expect(() =>
      dag('d', (d) => {
        (d as unknown as { teardown: (id: string, spec: unknown) => unknown }).teardown('drop', spec);
      }),
    ).toThrow(message);
  });

  test('is refused for a setup that is a task like any other', () => {
    expect(() =>
      dag('d', (d) => {
        const work = d.task('work', { run });
        d.teardown('drop', { setups: [work as SetupRef<number>], run });
      }),
    ).toThrow('setups[0] is task "work", which is no setup; make it with d.setup()');
  });

  test('is refused for the value of a setup that it does not take away, which may not have run', () => {
    expect(() =>
      dag('d', (d) => {
        const a = d.setup('a', { run });
        const b = d.setup('b', { run });
        d.teardown('drop', { setups: [a], inputs: { b }, run });
      }),
    ).toThrow('inputs.b is the setup "b", which is not one of its setups; add it: setups: [b]');
  });
});

describe('a scope', () => {
  test('begins after the setups and ends before the teardowns', () => {
    const edges = edgesOf((d) => {
      const cluster = d.setup('create', { run });
      const drop = d.teardown('drop', { setups: [cluster], run });
      const returned = d.scope({ teardowns: [drop] }, (s) => {
        const a = s.task('a', { run });
        s.group('g', (g) => {
          g.task('b', { after: [a], run });
        });
        s.task('c', { run });
        return a;
      });
      d.task('outside', { after: [returned], run });
    });
    expect(edges).toEqual({
      create: [],
      a: ['create'],
      'g.b': ['a'],
      c: ['create'],
      drop: ['create', 'g.b', 'c'],
      outside: ['a'],
    });
  });

  test('inside of another one is taken away first', () => {
    const edges = edgesOf((d) => {
      const outer = d.setup('outer', { run });
      const dropOuter = d.teardown('drop_outer', { setups: [outer], run });
      d.scope({ setups: [outer], teardowns: [dropOuter] }, (s) => {
        const inner = s.setup('inner', { run });
        const dropInner = s.teardown('drop_inner', { setups: [inner], run });
        s.scope({ teardowns: [dropInner] }, (t) => {
          t.task('work', { run });
        });
      });
    });
    expect(edges).toEqual({
      outer: [],
      inner: ['outer'],
      work: ['inner'],
      drop_inner: ['inner', 'work'],
      drop_outer: ['outer', 'drop_inner'],
    });
  });

  test('puts a teardown that was written first after what it takes away', () => {
    const tasks = tasksOf((d) => {
      const made = d.setup('create', { run });
      const drop = d.teardown('drop', { setups: [made], run });
      d.scope({ teardowns: [drop] }, (s) => {
        s.task('work', { run });
      });
    });
    expect(tasks.map(({ taskId }) => taskId)).toEqual(['create', 'work', 'drop']);
  });

  test('is refused where its work comes after its own teardown', () => {
    expect(() =>
      dag('d', (d) => {
        const drop = d.teardown('drop', { run });
        d.scope({ teardowns: [drop] }, (s) => {
          s.task('work', { after: [drop], run });
        });
      }),
    ).toThrow('dag "d": tasks wait for each other: "drop" → "work" → "drop"; remove one edge of the cycle');
  });

  test('is refused for what is no setup, no teardown and no option', () => {
    const scope = (options: unknown) => () =>
      dag('d', (d) => {
        const work = d.task('work', { run });
        const given = typeof options === 'function' ? (options as (ref: unknown) => unknown)(work) : options;
        (d as unknown as { scope: (options: unknown, define: unknown) => void }).scope(given, () => {});
      });
    expect(scope((work: unknown) => ({ setups: [work] }))).toThrow('a scope: setups[0] is task "work", which is no setup');
    expect(scope((work: unknown) => ({ teardowns: [work] }))).toThrow('teardowns[0] is task "work", which is no teardown');
    expect(scope({ setup: [] })).toThrow("'setup' is not a field of a scope; did you mean 'setups'?");
  });
});
