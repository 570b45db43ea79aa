import { describe, expectTypeOf, test } from 'vitest';
import {
  asset,
  concat,
  dag,
  defer,
  deferFor,
  empty,
  fileSensor,
  sets,
  trigger,
  zip,
  type BranchRef,
  type Callback,
  type GroupRef,
  type MappedValues,
  type SetupRef,
  type TaskRef,
  type TeardownRef,
} from '../index.ts';

const run = (): number => 1;
const orders = asset<{ rows: number }>('orders');

describe('a group', () => {
  test('returns the refs of its callback, with their types', () => {
    dag('d', { params: { region: { type: 'string' } } }, (d) => {
      const group = d.group('g', (g) => ({
        rows: g.task('rows', { run: (_, { params }) => [params.region] }),
      }));
      expectTypeOf(group).toEqualTypeOf<GroupRef<{ rows: TaskRef<string[]> }>>();
      d.task('t', { after: [group], inputs: { rows: group.refs.rows }, run: ({ rows }) => rows.length });
      // @ts-expect-error it is after
      d.group('h', { afer: [] }, () => {});
      // @ts-expect-error a group is not mapped
      d.group('i', { expand: { x: [1] } }, () => {});
      // @ts-expect-error a group has no value
      d.task('u', { inputs: { group }, run });
      // @ts-expect-error it is refs.rows
      expectTypeOf(group.refs.row).toBeNever();
    });
  });
});

describe('a branch', () => {
  test('knows its labels', () => {
    dag('d', (d) => {
      const size = d.branch('size', { choices: ['big', 'small'], run: () => 'big' });
      expectTypeOf(size).toEqualTypeOf<BranchRef<'big' | 'small'>>();
      d.task('big', { after: [size.choice('big')], run });
      // @ts-expect-error there is no such label
      size.choice('bigg');
      d.branch('several', { choices: ['a', 'b'], run: async () => ['a', 'b'] });
      d.branch('none', { choices: ['a'], run: (_, { tryNumber }) => (tryNumber > 1 ? null : []) });
      d.branch('nothing', { choices: ['a'], run: () => {} });
      // @ts-expect-error there is no such label
      d.branch('wrong', { choices: ['big', 'small'], run: () => 'bigg' });
      // @ts-expect-error there is no such label among several
      d.branch('wrong', { choices: ['a', 'b'], run: () => ['a', 'c'] });
      // @ts-expect-error the labels are missing
      d.branch('wrong', { run: () => 'big' });
    });
  });

  test('gives its choice as a value', () => {
    dag('d', (d) => {
      const size = d.branch('size', { choices: ['big', 'small'], run: () => 'big' });
      d.task('t', {
        inputs: { size },
        run: ({ size }) => {
          expectTypeOf(size).toEqualTypeOf<'big' | 'small' | readonly ('big' | 'small')[] | null>();
        },
      });
    });
  });

  test('and a short circuit take inputs like any task', () => {
    dag('d', (d) => {
      const count = d.task('count', { run });
      d.branch('size', { inputs: { count }, choices: ['a'], run: ({ count }) => (count.toFixed() === '1' ? 'a' : null) });
      const gate = d.shortCircuit('gate', { inputs: { count }, run: ({ count }) => count > 0 });
      expectTypeOf(gate).toEqualTypeOf<TaskRef<boolean>>();
      // @ts-expect-error it decides with true and false
      d.shortCircuit('wrong', { run: () => 'yes' });
      // @ts-expect-error it has no code
      d.latestOnly('newest', { run });
    });
  });
});

describe('a mapped task', () => {
  test('is given one element of each list', () => {
    dag('d', (d) => {
      const files = d.task('files', { run: () => ['a.csv'] });
      const byName = d.task('by_name', { run: (): Record<string, number> => ({ a: 1 }) });
      const orders = d.mappedTask('parse', {
        expand: { file: files, region: ['eu', 'us'], entry: byName },
        inputs: { header: true },
        run: ({ file, region, entry, header }) => {
          expectTypeOf(file).toEqualTypeOf<string>();
          expectTypeOf(region).toEqualTypeOf<'eu' | 'us'>();
          expectTypeOf(entry).toEqualTypeOf<readonly [key: string, value: number]>();
          expectTypeOf(header).toEqualTypeOf<true>();
          return { file, rows: 1 };
        },
      });
      expectTypeOf(orders).toEqualTypeOf<TaskRef<MappedValues<{ file: string; rows: number }>>>();
      d.task('total', {
        inputs: { orders },
        run: ({ orders }) => {
          expectTypeOf(orders.at(0)).toEqualTypeOf<{ file: string; rows: number } | undefined>();
          expectTypeOf(orders.map(({ rows }) => rows)).toEqualTypeOf<number[]>();
          expectTypeOf([...orders]).toEqualTypeOf<{ file: string; rows: number }[]>();
          // @ts-expect-error the values are no array
          expectTypeOf(orders.push).toBeNever();
        },
      });
      d.mappedTask('again', { expand: { order: orders }, run: ({ order }) => order.rows });
    });
  });

  test('can be mapped over lists that are put together', () => {
    dag('d', (d) => {
      const files = d.task('files', { run: () => ['a.csv'] });
      const sizes = d.task('sizes', { run: () => [1] });
      d.mappedTask('zip', {
        expand: { pair: zip([files, sizes]), filled: zip([files, sizes], { fillValue: null }), any: concat([files, sizes]) },
        run: ({ pair, filled, any }) => {
          expectTypeOf(pair).toEqualTypeOf<readonly [string, number]>();
          expectTypeOf(filled).toEqualTypeOf<readonly [string | null, number | null]>();
          expectTypeOf(any).toEqualTypeOf<string | number>();
        },
      });
      const plan = d.task('plan', { run: () => [{ from: 'a', rows: 1 }] });
      d.mappedTask('sets', {
        expand: sets(plan),
        inputs: { header: true },
        run: ({ from, rows, header }) => {
          expectTypeOf(from).toEqualTypeOf<string>();
          expectTypeOf(rows).toEqualTypeOf<number>();
          expectTypeOf(header).toEqualTypeOf<true>();
        },
      });
    });
  });

  test('must have a list to run over', () => {
    dag('d', (d) => {
      const count = d.task('count', { run });
      // @ts-expect-error a number is no list
      d.mappedTask('number', { expand: { x: count }, run });
      // @ts-expect-error a text is no list
      d.mappedTask('text', { expand: { x: 'a' }, run });
      // @ts-expect-error there is nothing to map over
      d.mappedTask('none', { run });
      // @ts-expect-error the name is that of an input
      d.mappedTask('clash', { expand: { x: [1] }, inputs: { x: 1 }, run });
      // @ts-expect-error retries are not mapped
      d.mappedTask('retries', { expand: { x: [1] }, retries: [1, 2], run });
      d.mappedTask('wrong', {
        expand: { x: [1] },
        // @ts-expect-error there is no such input
        run: ({ y }) => void expectTypeOf(y).toBeNever(),
      });
    });
  });

  test('is always given its elements, whatever its trigger rule', () => {
    dag('d', (d) => {
      const files = d.task('files', { run: () => ['a'] });
      d.mappedTask('t', {
        expand: { file: files },
        inputs: { files },
        triggerRule: 'all_done',
        run: ({ file, files }) => {
          expectTypeOf(file).toEqualTypeOf<string>();
          expectTypeOf(files).toEqualTypeOf<string[] | undefined>();
        },
      });
    });
  });
});

describe('a mapped group', () => {
  test('gives one index its element, and others all values', () => {
    dag('d', (d) => {
      const regions = d.task('regions', { run: () => ['eu'] });
      const group = d.mappedGroup('g', { expand: { region: regions } }, (g, { region }) => {
        const rows = g.task('rows', {
          inputs: { region },
          triggerRule: 'none_failed',
          run: ({ region }) => {
            expectTypeOf(region).toEqualTypeOf<string>();
            return [region];
          },
        });
        g.task('inside', { inputs: { rows }, run: ({ rows }) => expectTypeOf(rows).toEqualTypeOf<string[]>() });
        return { rows, deep: { rows } };
      });
      expectTypeOf(group.refs.rows).toEqualTypeOf<TaskRef<MappedValues<string[]>>>();
      expectTypeOf(group.refs.deep.rows).toEqualTypeOf<TaskRef<MappedValues<string[]>>>();
      d.mappedGroup('h', { expand: sets([{ a: 1, b: 'x' }]) }, (g, { a, b }) => {
        g.task('t', { inputs: { a, b }, run: ({ a, b }) => `${a}${b}` });
      });
      // @ts-expect-error there is nothing to map over
      d.mappedGroup('i', {}, () => {});
    });
  });
});

describe('setups and teardowns', () => {
  test('hand a single setup’s value over for certain, and those of several perhaps', () => {
    dag('d', (d) => {
      const cluster = d.setup('cluster', { run: () => 'c-1' });
      const table = d.setup('table', { run: () => 't-1' });
      const rows = d.task('rows', { run });
      expectTypeOf(cluster).toEqualTypeOf<SetupRef<string>>();
      const drop = d.teardown('drop', {
        setups: [cluster],
        inputs: { cluster, rows },
        run: ({ cluster, rows }) => {
          expectTypeOf(cluster).toEqualTypeOf<string>();
          expectTypeOf(rows).toEqualTypeOf<number | undefined>();
        },
      });
      expectTypeOf(drop).toEqualTypeOf<TeardownRef<null>>();
      d.teardown('both', {
        setups: [cluster, table],
        inputs: { cluster, table },
        run: ({ cluster, table }) => {
          expectTypeOf(cluster).toEqualTypeOf<string | undefined>();
          expectTypeOf(table).toEqualTypeOf<string | undefined>();
        },
      });
      expectTypeOf(d.scope({ setups: [table], teardowns: [drop] }, (s) => s.task('in', { run }))).toEqualTypeOf<TaskRef<number>>();
      // @ts-expect-error a task is no setup
      d.teardown('wrong', { setups: [rows], run });
      // @ts-expect-error its rule is its own
      d.teardown('rule', { triggerRule: 'all_done', run });
      // @ts-expect-error a setup is no teardown
      d.scope({ teardowns: [cluster] }, () => {});
    });
  });
});

describe('a sensor', () => {
  test('passes on what its poke found', () => {
    dag('d', (d) => {
      expectTypeOf(d.sensor('plain', { poke: () => true })).toEqualTypeOf<TaskRef<null>>();
      const found = d.sensor('value', {
        mode: 'reschedule',
        poke: async (_, { tryNumber }) => (tryNumber > 1 ? { done: true, value: 'a.csv' } : { done: false }),
      });
      d.task('t', { inputs: { found }, run: ({ found }) => expectTypeOf(found).toEqualTypeOf<string>() });
      const file = d.sensor('file', { ...fileSensor({ path: '/data/*' }), timeout: { hours: 1 } });
      d.task('u', { inputs: { file }, run: ({ file }) => expectTypeOf(file).toEqualTypeOf<string>() });
      // @ts-expect-error it says whether it is there
      d.sensor('wrong', { poke: () => 'yes' });
      // @ts-expect-error no such mode
      d.sensor('mode', { mode: 'sleep', poke: () => true });
      // @ts-expect-error it is poke
      d.sensor('run', { run: () => true });
    });
  });
});

describe('a deferral', () => {
  const job = trigger('job', { run: async ({ id }: { id: string }) => ({ rows: id.length }) });
  const tick = trigger('tick', { run: () => 1 });

  test('types what resume is given, and what the task passes on', () => {
    dag('d', (d) => {
      const rows = d.task('rows', {
        triggers: [job],
        run: () => defer(job, { args: { id: 'x' }, state: { since: 1 } }),
        resume: (event, _, { tryNumber }, state) => {
          expectTypeOf(event).toEqualTypeOf<{ rows: number }>();
          expectTypeOf(state.since).toEqualTypeOf<number>();
          return event.rows + tryNumber;
        },
      });
      expectTypeOf(rows).toEqualTypeOf<TaskRef<number>>();
      const event = d.task('event', { triggers: [job], run: () => defer(job, { args: { id: 'x' } }) });
      expectTypeOf(event).toEqualTypeOf<TaskRef<{ rows: number }>>();
      const perhaps = d.task('perhaps', {
        triggers: [tick],
        run: async (_, { tryNumber }) => (tryNumber > 1 ? 'now' : defer(tick)),
        resume: (event) => event * 2,
      });
      expectTypeOf(perhaps).toEqualTypeOf<TaskRef<number | 'now'>>();
      expectTypeOf(d.task('sleep', { run: () => deferFor({ minutes: 1 }) })).toEqualTypeOf<TaskRef<null>>();
      d.task('inputs', {
        inputs: { rows },
        run: () => deferFor({ minutes: 1 }),
        resume: (_, { rows }) => expectTypeOf(rows).toEqualTypeOf<number>(),
      });
    });
  });

  test('must say what the trigger is to wait for', () => {
    // @ts-expect-error the arguments are missing
    defer(job);
    // @ts-expect-error the id is a text
    defer(job, { args: { id: 1 } });
    // @ts-expect-error state is JSON
    defer(tick, { state: new Date(0) });
    dag('d', (d) => {
      // @ts-expect-error triggers are made by trigger()
      d.task('t', { triggers: ['job'], run });
    });
  });
});

describe('a run of another dag', () => {
  const other = dag('other', { params: { region: { type: 'string', enum: ['eu', 'us'] }, limit: { type: 'integer' } } }, () => {});

  test('is told what its params say', () => {
    dag('d', (d) => {
      expectTypeOf(d.triggerDagRun('a', { dag: other, conf: { region: 'eu' } })).toEqualTypeOf<TaskRef<string>>();
      const conf = d.task('conf', { run: () => ({ limit: 1 }) });
      d.triggerDagRun('b', { dag: other, conf });
      d.triggerDagRun('c', { dag: 'any', conf: { whatever: [1] } });
      // @ts-expect-error there is no such region
      d.triggerDagRun('e', { dag: other, conf: { region: 'asia' } });
      // @ts-expect-error there is no such param
      d.triggerDagRun('f', { dag: other, conf: { regoin: 'eu' } });
      const wrong = d.task('wrong', { run: () => ({ limit: 'x' }) });
      // @ts-expect-error limit is a number
      d.triggerDagRun('g', { dag: other, conf: wrong });
      // @ts-expect-error it runs no code
      d.triggerDagRun('h', { dag: other, run });
    });
  });
});

describe('callbacks and conditions', () => {
  test('are told what they can know', () => {
    const tell: Callback = ({ dagId, log }) => log.info(dagId);
    dag('d', { params: { region: { type: 'string' } }, on: { failure: [tell, ({ reason }) => reason] } }, (d) => {
      d.task('t', {
        on: { failure: [tell, ({ failure, params }) => [failure?.message, params.region]], skipped: ({ skipReason }) => skipReason },
        runIf: ({ params }) => params.region === 'eu',
        skipIf: async ({ logicalDate }) => logicalDate === null,
        run,
      });
      // @ts-expect-error it answers with true or false
      d.task('u', { runIf: () => 'yes', run });
      // @ts-expect-error there is no such occasion
      d.task('v', { on: { failed: tell }, run });
    });
  });

  test('stand beside an operator', () => {
    dag('d', (d) => {
      d.task('t', { ...empty(), after: [d.task('u', { outlets: [orders], run })] });
    });
  });
});
