import { describe, expect, test } from 'vitest';
import { concat, dag, sets, zip, type DagBuilder } from '../index.ts';
import { runDag, type RunDagOptions } from './index.ts';

const run = (): number => 1;
const fail = (): never => {
  throw new Error('no');
};

/** How each task of a dag ended. */
async function statesOf(define: (d: DagBuilder<{}, never>) => void, options: RunDagOptions<{}, never> = {}) {
  const { state, tasks } = await runDag(dag('d', define), options);
  return { state, ...Object.fromEntries(Object.entries(tasks).map(([taskId, result]) => [taskId, result.state])) };
}

describe('a branch', () => {
  const branching = (d: DagBuilder<{}, never>): void => {
    const size = d.branch('size', { choices: ['big', 'small'], run: () => 'big' });
    const big = d.task('big', { after: [size.choice('big')], run });
    const small = d.group('small', { after: [size.choice('small')] }, (g) => {
      const first = g.task('first', { run });
      g.task('second', { after: [first], run });
    });
    const always = d.task('always', { after: [size], run });
    d.task('join', { after: [big, small, always], triggerRule: 'none_failed_min_one_success', run });
  };

  test('skips what it does not follow, and trigger rules decide about the rest', async () => {
    expect(await statesOf(branching)).toEqual({
      state: 'success',
      size: 'success',
      big: 'success',
      'small.first': 'skipped',
      'small.second': 'skipped',
      always: 'success',
      join: 'success',
    });
  });

  test.each([
    ['another label', 'small', { big: 'skipped', 'small.first': 'success', 'small.second': 'success' }],
    ['several', ['big', 'small'], { big: 'success', 'small.first': 'success' }],
    ['none', null, { big: 'skipped', 'small.first': 'skipped', always: 'success', join: 'success' }],
  ])('can be made to choose %s', async (_, size, states) => {
    expect(await statesOf(branching, { fakes: { size } })).toMatchObject(states);
  });

  test('does not skip what a followed task leads to', async () => {
    const define = (d: DagBuilder<{}, never>): void => {
      const way = d.branch('way', { choices: ['long', 'short'], run: () => 'long' });
      const long = d.task('long', { after: [way.choice('long')], run });
      d.task('end', { after: [long, way.choice('short')], run });
    };
    expect(await statesOf(define)).toMatchObject({ long: 'success', end: 'success' });
  });

  test('is told by its decision', async () => {
    const { task } = await runDag(dag('d', branching));
    expect(task('size')).toMatchObject({ value: 'big', decision: { kind: 'branch', follow: ['big'] } });
  });
});

describe('a short circuit', () => {
  const gated = (ignoreDownstreamTriggerRules: boolean) => (d: DagBuilder<{}, never>) => {
    const gate = d.shortCircuit('gate', { ignoreDownstreamTriggerRules, run: () => false });
    const first = d.task('first', { after: [gate], run });
    d.task('last', { after: [first], triggerRule: 'all_done', run });
  };

  test('skips everything below, or leaves what is further down to its trigger rules', async () => {
    expect(await statesOf(gated(true))).toEqual({ state: 'success', gate: 'success', first: 'skipped', last: 'skipped' });
    expect(await statesOf(gated(false))).toMatchObject({ first: 'skipped', last: 'success' });
    expect(await statesOf(gated(true), { fakes: { gate: true } })).toMatchObject({ first: 'success', last: 'success' });
  });
});

test('a latest-only task goes on, unless a fake says that the run is not the newest', async () => {
  const define = (d: DagBuilder<{}, never>): void => {
    d.task('t', { after: [d.latestOnly('newest')], run });
  };
  expect(await statesOf(define)).toEqual({ state: 'success', newest: 'success', t: 'success' });
  expect(await statesOf(define, { fakes: { newest: false } })).toMatchObject({ newest: 'success', t: 'skipped' });
});

describe('setups and teardowns', () => {
  const cluster = (d: DagBuilder<{}, never>): void => {
    const create = d.setup('create', { run });
    const first = d.task('first', { after: [create], run });
    const second = d.task('second', { after: [first], triggerRule: 'all_done', run });
    d.teardown('drop', { setups: [create], after: [second], run });
  };

  test('take the work away however it went, and do not decide about the run', async () => {
    expect(await statesOf(cluster, { fakes: { second: fail } })).toEqual({
      state: 'failed',
      create: 'success',
      first: 'success',
      second: 'failed',
      drop: 'success',
    });
    expect(await statesOf(cluster, { fakes: { drop: fail } })).toMatchObject({ state: 'success', drop: 'failed' });
  });

  test('that were not made let no work begin, further down neither, and are not taken away', async () => {
    expect(await statesOf(cluster, { fakes: { create: fail } })).toEqual({
      state: 'failed',
      create: 'failed',
      first: 'upstream_failed',
      second: 'upstream_failed',
      drop: 'upstream_failed',
    });
    const skipped = await statesOf(cluster, { fakes: { create: (_, context) => context.skip('not today') } });
    expect(skipped).toMatchObject({ state: 'success', first: 'skipped', second: 'skipped', drop: 'skipped' });
  });
});

describe('a mapped task', () => {
  const mapped = dag('d', (d) => {
    const files = d.task('files', { run: () => ['a', 'b'] });
    const sizes = d.mappedTask('size', {
      expand: { file: files, factor: [1, 10] },
      inputs: { unit: 'kB' },
      mapIndexTemplate: '{{ file }}-{{ factor }} of {{ expanded_ti_count }}',
      run: ({ file, factor, unit }, { mapIndex }) => `${file}${factor}${unit}#${mapIndex}`,
    });
    d.task('all', { inputs: { sizes }, run: ({ sizes }) => sizes.toArray() });
  });

  test('runs once for each combination, the last list varying fastest, and gives a list', async () => {
    const { task, state } = await runDag(mapped);
    expect(state).toBe('success');
    expect(task('all').value).toEqual(['a1kB#0', 'a10kB#1', 'b1kB#2', 'b10kB#3']);
    expect(task('size')).toMatchObject({ state: 'success', tries: 4 });
    expect(task('size').instances.map(({ mapIndex, mapIndexLabel }) => [mapIndex, mapIndexLabel])).toEqual([
      [0, 'a-1 of 4'],
      [1, 'a-10 of 4'],
      [2, 'b-1 of 4'],
      [3, 'b-10 of 4'],
    ]);
  });

  test('leaves out the values of skipped task instances, and fails where one fails', async () => {
    const skipping = {
      size: ({ file }: { file?: unknown }, context: { skip: (reason: string) => never }) => (file === 'a' ? context.skip('a') : 1),
    };
    expect((await runDag(mapped, { fakes: skipping })).task('all')).toMatchObject({ state: 'skipped' });
    const { task, state } = await runDag(mapped, { fakes: { size: fail } });
    expect([state, task('size').state, task('size').error?.message, task('all').state]).toEqual([
      'failed',
      'failed',
      'no',
      'upstream_failed',
    ]);
  });

  test('over nothing is skipped', async () => {
    const { task, state } = await runDag(mapped, { fakes: { files: [] } });
    expect([state, task('size').state, task('size').instances, task('all').state]).toEqual(['success', 'skipped', [], 'skipped']);
  });

  test('over what is no list fails, and over what did not come cannot run', async () => {
    const notAList = await runDag(mapped, { fakes: { files: 'a.csv' } });
    expect(notAList.task('size')).toMatchObject({ state: 'failed', error: { kind: 'bad_value' } });
    expect((await runDag(mapped, { fakes: { files: fail } })).task('size').state).toBe('upstream_failed');
  });

  test('reads lists side by side, one after the other, and as sets', async () => {
    const combined = dag('d', (d) => {
      const names = d.task('names', { run: () => ['a', 'b'] });
      const plan = d.task('plan', { run: () => [{ from: 'a', rows: 1 }] });
      d.mappedTask('zip', { expand: { pair: zip([names, [1, 2, 3]]) }, run: ({ pair: [name, size] }) => `${name}${size}` });
      d.mappedTask('fill', { expand: { pair: zip([names, [1, 2, 3]], { fillValue: null }) }, run: ({ pair }) => pair[0] });
      d.mappedTask('concat', { expand: { x: concat([names, ['c']]) }, run: ({ x }) => x });
      d.mappedTask('sets', { expand: sets(plan), run: ({ from, rows }) => from.repeat(rows + 1) });
      d.mappedTask('entries', { expand: { entry: { a: 1 } }, run: ({ entry: [key, value] }) => `${key}=${value}` });
    });
    const { tasks } = await runDag(combined);
    expect(Object.fromEntries(Object.entries(tasks).map(([taskId, { value }]) => [taskId, value]))).toMatchObject({
      zip: ['a1', 'b2'],
      fill: ['a', 'b', null],
      concat: ['a', 'b', 'c'],
      sets: ['aa'],
      entries: ['a=1'],
    });
  });
});

describe('a mapped group', () => {
  const perRegion = dag('d', (d) => {
    const regions = d.task('regions', { run: () => ['eu', 'us', 'asia'] });
    const group = d.mappedGroup('g', { expand: { region: regions } }, (g, { region }) => {
      const size = g.branch('size', { inputs: { region }, choices: ['big'], run: ({ region }) => (region === 'asia' ? 'big' : null) });
      const rows = g.task('rows', { inputs: { region }, run: ({ region }) => (region === 'us' ? fail() : [region]) });
      g.task('big', { after: [size.choice('big')], run });
      return { count: g.task('count', { inputs: { rows, region }, run: ({ rows, region }) => `${region}:${rows.length}` }) };
    });
    d.task('total', { inputs: { counts: group.refs.count }, triggerRule: 'all_done', run: ({ counts }) => counts?.toArray() ?? [] });
  });

  test('runs each index on its own: what fails or is not followed at one leaves the others alone', async () => {
    const { task } = await runDag(perRegion);
    const statesAt = (taskId: string): string[] => task(taskId).instances.map(({ state }) => state);
    expect(statesAt('g.rows')).toEqual(['success', 'failed', 'success']);
    expect(statesAt('g.count')).toEqual(['success', 'upstream_failed', 'success']);
    expect(statesAt('g.big')).toEqual(['skipped', 'skipped', 'success']);
    expect(task('total').value).toEqual(['eu:1', 'asia:1']);
  });

  test('over nothing is skipped as a whole', async () => {
    const { task } = await runDag(perRegion, { fakes: { regions: [] } });
    expect(['g.size', 'g.rows', 'g.count'].map((taskId) => task(taskId).state)).toEqual(['skipped', 'skipped', 'skipped']);
  });
});

test('failFast ends the run with the first failure, but for teardowns', async () => {
  const fast = dag('d', { failFast: true }, (d) => {
    const made = d.setup('made', { run });
    const bad = d.task('bad', { after: [made], run: fail });
    const other = d.task('other', { after: [made], run });
    d.teardown('drop', { setups: [made], after: [bad, other], run });
  });
  const { state, tasks } = await runDag(fast);
  expect([state, tasks['bad']?.state, tasks['other']?.state, tasks['drop']?.state]).toEqual(['failed', 'failed', 'skipped', 'success']);
});
