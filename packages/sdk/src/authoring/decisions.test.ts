import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { dag, type BranchChoice, type DagBuilder } from '../index.ts';

const run = (): number => 1;
const choose = { choices: ['big', 'small'] as const, run: () => 'big' as const };

const tasksOf = (define: (d: DagBuilder<{}, never>) => void) => {
  const { serialized } = dag('d', define);
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return serialized.tasks;
};

describe('a branch', () => {
  test('says what it chooses from, and what follows it under which labels', () => {
    const tasks = tasksOf((d) => {
      const size = d.branch('size', choose);
      d.task('big', { after: [size.choice('big')], run });
      d.task('both', { after: [size.choice('small'), size.choice('big')], run });
      d.task('always', { after: [size], run });
    });
    expect(tasks[0]).toMatchObject({ operator: 'branch', decision: { kind: 'branch', choices: ['big', 'small'] } });
    expect(tasks.slice(1).map(({ upstream, followedOn }) => [upstream, followedOn])).toEqual([
      [['size'], { size: ['big'] }],
      [['size'], { size: ['small', 'big'] }],
      [['size'], undefined],
    ]);
  });

  test('is followed by the first tasks of a group', () => {
    const tasks = tasksOf((d) => {
      const size = d.branch('size', choose);
      d.group('g', { after: [size.choice('big')] }, (g) => {
        const a = g.task('a', { run });
        g.task('b', { after: [a], run });
      });
      d.task('small', { after: [size.choice('small')], run });
    });
    expect(tasks.map(({ taskId, followedOn }) => [taskId, followedOn])).toEqual([
      ['size', undefined],
      ['g.a', { size: ['big'] }],
      ['g.b', undefined],
      ['small', { size: ['small'] }],
    ]);
  });

  test('hands its value on beside a choice', () => {
    const tasks = tasksOf((d) => {
      const size = d.branch('size', { choices: ['big'], run: () => 'big' as const });
      d.task('big', { inputs: { size }, after: [size.choice('big')], run: ({ size }) => size });
    });
    expect(tasks[1]).toMatchObject({
      inputs: { size: { kind: 'xcom', taskId: 'size' } },
      upstream: ['size'],
      followedOn: { size: ['big'] },
    });
  });

  test('is refused where nobody follows one of its choices', () => {
    expect(() =>
      dag('d', (d) => {
        const size = d.branch('size', choose);
        d.task('big', { after: [size.choice('big')], run });
      }),
    ).toThrow('dag "d", task "size": nobody follows its choice \'small\'; name it, as in after: [size.choice(\'small\')], or take it out');
  });

  test('is refused where a task follows it always and under a label', () => {
    expect(() =>
      dag('d', (d) => {
        const size = d.branch('size', choose);
        d.task('big', { after: [size, size.choice('big')], run });
      }),
    ).toThrow('task "big": after names the branch "size", which is always followed, and one of its choices');
  });

  test('knows its own choices alone', () => {
    dag('d', (d) => {
      const size = d.branch('size', choose);
      expect(() => size.choice('bigg' as 'big')).toThrow("'bigg' is not one of its choices; they are 'big', 'small'");
      d.task('t', { after: [size.choice('big'), size.choice('small')], run });
    });
  });

  test('makes choices for its own dag alone', () => {
    let foreign: BranchChoice | undefined;
    dag('other', (d) => {
      const size = d.branch('size', choose);
      foreign = size.choice('big');
      d.task('t', { after: [size.choice('big'), size.choice('small')], run });
    });
    expect(() =>
      dag('d', (d) => {
        d.task('t', { after: [foreign as BranchChoice], run });
      }),
    ).toThrow('after[0] is a choice of branch "size" of another dag');
  });

  test.each([
    ['no choices', { run }, 'choices is undefined; list the labels that run returns'],
    ['an empty list', { choices: [], run }, 'choices is []'],
    ['a label that is no text', { choices: [1], run }, 'choices[0] is 1; a label is a text'],
    ['a label twice', { choices: ['a', 'a'], run }, "choices names 'a' twice"],
    ['no code', { choices: ['a'] }, 'run must be a function'],
    ['being mapped', { choices: ['a'], run, expand: { x: [1] } }, "'expand' is not a field of a branch"],
  ])('is refused for %s', (_, spec, message) => {
    expect(() =>
      dag('d', (d) => {
        (d as unknown as { branch: (id: string, spec: unknown) => unknown }).branch('b', spec);
      }),
    ).toThrow(message);
  });
});

describe('a short circuit', () => {
  test('skips everything below, or what is directly below', () => {
    const tasks = tasksOf((d) => {
      d.shortCircuit('all', { run: () => true });
      d.shortCircuit('direct', { run: () => true, ignoreDownstreamTriggerRules: false });
    });
    expect(tasks.map(({ operator, decision }) => [operator, decision])).toEqual([
      ['short_circuit', { kind: 'short_circuit', skips: 'all' }],
      ['short_circuit', { kind: 'short_circuit', skips: 'direct' }],
    ]);
  });
});

describe('a latest-only task', () => {
  test('has no code', () => {
    const definition = dag('d', (d) => {
      const start = d.task('start', { run });
      d.latestOnly('newest', { after: [start], triggerRule: 'all_done' });
    });
    expect(definition.serialized.tasks[1]).toMatchObject({
      operator: 'latest_only',
      decision: { kind: 'latest_only' },
      upstream: ['start'],
      triggerRule: 'all_done',
    });
    expect(definition.handlers.has('newest')).toBe(false);
  });
});
