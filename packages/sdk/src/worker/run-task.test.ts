import type { SerializedTask, TryContext } from '@tradewind/protocol';
import { attemptReportSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { dag, defer, deferFor, deferUntil, trigger, type Dag, type DagBuilder } from '../index.ts';
import type { TaskLog } from '../authoring/task-context.ts';
import { codeOf } from './dag-loader.ts';
import { askNobody } from './environment-access.ts';
import { runTask, type PreparedTry } from './run-task.ts';
import { createTaskContext } from './task-context.ts';

const TRY: TryContext = {
  dagId: 'd',
  runId: 'r',
  taskId: 't',
  mapIndex: -1,
  tryNumber: 1,
  maxTries: 1,
  logicalDate: null,
  dataIntervalStart: null,
  dataIntervalEnd: null,
  runAfter: '2026-01-01T00:00:00Z',
  params: {},
  triggeringEvents: [],
};
const NOW = 1_000_000;

/** Runs one try of the task `t` of a dag, as its process would. */
async function tryTask(define: (d: DagBuilder<{}, never>) => void, more: Partial<PreparedTry> = {}) {
  const definition: Dag = dag('d', define);
  const task = definition.serialized.tasks.find(({ taskId }) => taskId === 't') as SerializedTask;
  const warnings: string[] = [];
  const log: TaskLog = { debug() {}, info() {}, warning: (event) => warnings.push(event), error() {} };
  const tryContext = { ...TRY, ...more.tryContext };
  const outcome = await runTask(codeOf(definition, task, definition.handlers.get('t') ?? (() => null)), {
    created: createTaskContext(tryContext, { signal: new AbortController().signal, log, outlets: [] }),
    inputs: {},
    ask: askNobody,
    log,
    clock: { now: () => NOW, sleep: () => Promise.resolve() },
    ...more,
    tryContext,
  });
  const report = { type: 'ended', attempt: { taskInstanceId: 'i', epoch: 1 }, at: 1, outcome };
  expect(attemptReportSchema.parse(report)).toEqual(report);
  return { outcome, warnings };
}

describe('a branch', () => {
  const branch = (value: unknown) =>
    tryTask((d) => {
      const t = d.branch('t', { choices: ['a', 'b'], run: () => value as 'a' });
      d.task('below', { after: [t.choice('a'), t.choice('b')], run: () => 1 });
    });

  test.each([
    ['one label', 'a', '"a"', ['a']],
    ['several, each once', ['b', 'a', 'b'], '["b","a","b"]', ['b', 'a']],
    ['none', [], '[]', []],
    ['null', null, 'null', []],
    ['nothing', undefined, 'null', []],
  ])('chooses %s', async (_, value, valueJson, follow) => {
    expect((await branch(value)).outcome).toMatchObject({ result: 'success', valueJson, decision: { kind: 'branch', follow } });
  });

  test.each([
    ['a label that there is not', 'c', "the branch returned 'c', which is not one of its choices; they are 'a', 'b'"],
    ['one among others', ['a', 'c'], "the branch returned 'c'"],
    ['what is no label', 1, 'the branch returned 1'],
  ])('that returns %s fails', async (_, value, message) => {
    expect((await branch(value)).outcome).toMatchObject({
      failure: { kind: 'bad_value', message: expect.stringContaining(message) as string },
    });
  });

  test('cannot be deferred', async () => {
    expect((await branch(deferFor({ minutes: 1 }))).outcome).toMatchObject({
      failure: { kind: 'bad_value', message: expect.stringContaining('the task chooses what follows it') as string },
    });
  });
});

describe('a short circuit', () => {
  const gate = (value: unknown) =>
    tryTask((d) => {
      d.shortCircuit('t', { run: () => value as boolean });
    });

  test.each([true, false])('that returns %s says so', async (value) => {
    expect((await gate(value)).outcome).toMatchObject({ decision: { kind: 'short_circuit', goesOn: value } });
  });

  test('fails where it does not decide', async () => {
    expect((await gate(0)).outcome).toMatchObject({
      failure: { kind: 'bad_value', message: expect.stringContaining('returned 0') as string },
    });
  });
});

describe('a deferral', () => {
  const job = trigger('job', { run: ({ id }: { id: string }) => id.length });

  test('says what is waited for, what is kept, and until when', async () => {
    const { outcome } = await tryTask((d) => {
      d.task('t', { triggers: [job], run: () => defer(job, { args: { id: 'x' }, state: [1], timeout: { seconds: 5 } }) });
    });
    expect(outcome).toEqual({
      result: 'deferred',
      deferral: { trigger: { kind: 'code', name: 'job', argsJson: '{"id":"x"}' }, stateJson: '[1]', timeoutAt: NOW + 5_000 },
    });
  });

  test('until a moment, or for a while, is a timer', async () => {
    const at = Temporal.Instant.fromEpochMilliseconds(5_000_000);
    const until = await tryTask((d) => void d.task('t', { run: () => deferUntil(at) }));
    expect(until.outcome).toEqual({ result: 'deferred', deferral: { trigger: { kind: 'timer', at: 5_000_000 }, stateJson: 'null' } });
    const later = await tryTask((d) => void d.task('t', { run: () => deferFor({ seconds: 1 }) }));
    expect(later.outcome).toMatchObject({ deferral: { trigger: { kind: 'timer', at: NOW + 1_000 } } });
  });

  test('fails for a trigger that the task does not name', async () => {
    const { outcome } = await tryTask((d) => void d.task('t', { run: () => defer(job, { args: { id: 'x' } }) }));
    expect(outcome).toMatchObject({
      failure: { kind: 'bad_value', message: expect.stringContaining('add it: triggers: [job]') as string },
    });
  });

  const waiting = (d: DagBuilder<{}, never>): void => {
    d.task('t', {
      inputs: { factor: 1 },
      triggers: [job],
      runIf: ({ tryNumber }) => tryNumber > 1,
      run: () => defer(job, { args: { id: 'x' }, state: { base: 10 } }),
      resume: (event, { factor }, _, { base }) => base + event * factor,
    });
  };
  const resumption = (event: { ok: true; json: string } | { ok: false; message: string }) => ({
    resumption: { stateJson: '{"base":10}', event },
    inputs: { factor: 3 },
  });

  test('resumes with the event, the inputs and the state, and asks no condition again', async () => {
    expect((await tryTask(waiting, resumption({ ok: true, json: '2' }))).outcome).toMatchObject({ valueJson: '16' });
  });

  test('fails where what it waits for does not come', async () => {
    expect((await tryTask(waiting, resumption({ ok: false, message: 'job 7 is gone' }))).outcome).toMatchObject({
      failure: { kind: 'error', message: expect.stringContaining('what the task waited for did not come: job 7 is gone') as string },
    });
  });

  test('without resume passes the event on', async () => {
    const { outcome } = await tryTask(
      (d) => void d.task('t', { triggers: [job], run: () => defer(job, { args: { id: 'x' } }) }),
      resumption({ ok: true, json: '[2]' }),
    );
    expect(outcome).toMatchObject({ valueJson: '[2]' });
  });
});

describe('conditions', () => {
  const conditional = (spec: { runIf?: () => boolean; skipIf?: () => boolean }) =>
    tryTask((d) => {
      d.task('t', { ...spec, run: () => 'ran' });
    });

  test.each<[string, { runIf?: () => boolean; skipIf?: () => boolean }, object]>([
    ['runIf holds', { runIf: () => true }, { result: 'success', valueJson: '"ran"' }],
    ['runIf does not hold', { runIf: () => false }, { result: 'skipped', reason: 'runIf does not hold' }],
    ['skipIf holds', { skipIf: () => true }, { result: 'skipped', reason: 'skipIf holds' }],
    ['both let it run', { runIf: () => true, skipIf: () => false }, { result: 'success' }],
    ['one answers with something else', { runIf: () => 1 as never }, { failure: { kind: 'fail_without_retry' } }],
  ])('decide where %s', async (_, spec, outcome) => {
    expect((await conditional(spec)).outcome).toMatchObject(outcome);
  });

  test('of a sensor are asked once a try', async () => {
    let asked = 0;
    let pokes = 0;
    await tryTask((d) => {
      d.sensor('t', { runIf: () => (asked += 1) > 0, poke: () => (pokes += 1) > 2 });
    });
    expect([asked, pokes]).toEqual([1, 3]);
  });
});

describe('values of a mapped task', () => {
  test('are a list that is read, where a task above is mapped', async () => {
    const { outcome } = await tryTask(
      (d) => {
        const each = d.mappedTask('each', { expand: { x: [1, 2] }, run: ({ x }) => x });
        const plain = d.task('plain', { run: () => [1] });
        const group = d.mappedGroup('g', { expand: { x: [1] } }, (g) => ({ inner: g.task('inner', { run: () => 1 }) }));
        d.task('t', {
          inputs: { each, plain, inner: group.refs.inner },
          triggerRule: 'all_done',
          run: ({ each, plain, inner }) => [each?.reduce((sum, x) => sum + x, 0) ?? null, Array.isArray(plain), inner ?? null],
        });
      },
      { inputs: { each: [1, 2], plain: [1] } },
    );
    expect(outcome).toMatchObject({ valueJson: '[3,true,null]' });
  });

  test('are single ones inside of the same mapped group', () => {
    const definition = dag('d', (d) => {
      d.mappedGroup('g', { expand: { x: [1] } }, (g) => {
        const first = g.task('first', { run: () => [1] });
        g.group('inner', (h) => {
          h.task('second', { inputs: { first }, run: ({ first }) => first.length });
        });
      });
    });
    const second = definition.serialized.tasks[1] as SerializedTask;
    expect(codeOf(definition, second, () => null).mappedInputs).toEqual([]);
  });
});

describe('mapIndexTemplate', () => {
  const named = (mapIndexTemplate: string) =>
    tryTask(
      (d) => {
        d.mappedTask('t', { expand: { region: ['eu'] }, mapIndexTemplate, run: ({ region }) => ({ rows: region.length }) });
      },
      { inputs: { region: 'eu' }, tryContext: { ...TRY, mapIndex: 0 } },
    );

  test('names a task instance by its inputs and its value', async () => {
    expect((await named('{{ region }}: {{ value.rows }} rows')).outcome).toMatchObject({ mapIndexLabel: 'eu: 2 rows' });
  });

  test('that cannot be rendered is a warning, and the work is done', async () => {
    const { outcome, warnings } = await named('{{ regoin }}');
    expect(outcome).toMatchObject({ result: 'success' });
    expect(outcome).not.toHaveProperty('mapIndexLabel');
    expect(warnings).toEqual(['mapIndexTemplate could not be rendered; the map index is shown']);
  });
});
