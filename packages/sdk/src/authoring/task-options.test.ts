import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { dag, deadline, findCallbacks, type DagOptions, type TaskDefaults, type WeighedTask } from '../index.ts';

const run = (): number => 1;
const define = dag as unknown as (...args: readonly unknown[]) => ReturnType<typeof dag>;
const defineWith = (options: unknown) => define('d', options, () => {});
const taskWith = (spec: unknown) =>
  define('d', (d: { task: (id: string, spec: unknown) => unknown }) => {
    d.task('t', spec);
  });
const serialize = (spec: TaskDefaults) => {
  const { serialized } = taskWith({ ...spec, run });
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return serialized.tasks[0];
};

describe('an option of a task', () => {
  test('that nobody sets is absent', () => {
    expect(Object.keys(serialize({}) ?? {}).toSorted()).toEqual(
      ['inputs', 'isolation', 'operator', 'outlets', 'retries', 'retryDelayMs', 'taskId', 'triggerRule', 'upstream'].toSorted(),
    );
  });

  test('is taken over as it is written', () => {
    const options: TaskDefaults = {
      retryBackoff: 2,
      maxRetryDelay: { hours: 1 },
      dependsOnPast: true,
      waitForDownstream: true,
      pool: 'small',
      poolSlots: 3,
      priorityWeight: -5,
      weightRule: 'upstream',
      queue: 'large',
      executor: 'kubernetes',
      maxActiveTisPerDag: 2,
      maxActiveTisPerDagrun: 1,
    };
    const { maxRetryDelay: _, ...rest } = options;
    expect(serialize(options)).toMatchObject({ ...rest, maxRetryDelayMs: 3_600_000 });
  });

  test('weightRule may be a function, whose answer is the priority', () => {
    const seen: WeighedTask[] = [];
    const weightRule = (task: WeighedTask): number => {
      seen.push(task);
      return task.priorityWeight * 10;
    };
    expect(serialize({ weightRule, priorityWeight: 3, queue: 'large' })).toMatchObject({ priorityWeight: 30, weightRule: 'absolute' });
    expect(seen).toEqual([
      {
        dagId: 'd',
        taskId: 't',
        operator: 'function',
        groupId: undefined,
        priorityWeight: 3,
        pool: 'default_pool',
        queue: 'large',
        retries: 0,
        fields: {},
      },
    ]);
  });

  test('weightRule of a task replaces a function of its dag', () => {
    const { tasks } = dag('d', { taskDefaults: { weightRule: () => 7 } }, (d) => {
      d.task('own', { weightRule: 'upstream', run });
      d.task('other', { run });
    }).serialized;
    expect(tasks.map(({ weightRule, priorityWeight }) => [weightRule, priorityWeight])).toEqual([
      ['upstream', undefined],
      ['absolute', 7],
    ]);
  });

  test.each([
    ['retryBackoff', 0.5, 'retryBackoff is 0.5; give a number from 1 to 1000'],
    ['maxRetryDelay', { seconds: 0 }, 'maxRetryDelay is no time at all'],
    ['dependsOnPast', 'yes', "dependsOnPast is 'yes'; give true or false"],
    ['pool', ' ', 'pool is blank'],
    ['poolSlots', 0, 'poolSlots is 0; give a whole number from 1'],
    ['priorityWeight', 1.5, 'priorityWeight is 1.5; give a whole number'],
    ['weightRule', 'sideways', "weightRule is 'sideways'; use 'downstream'"],
    ['weightRule', () => 'high', "what weightRule returned is 'high'"],
    ['weightRule', () => undefined, 'weightRule returned nothing'],
    ['maxActiveTisPerDag', 0, 'maxActiveTisPerDag is 0'],
    ['on', { fail: run }, "'fail' is not a field of on; did you mean 'failure'?"],
    ['on', { failure: 'mail' }, "on.failure is 'mail'; give a function of (context), or a list of them"],
    ['on', { failure: [run, 1] }, 'on.failure[1] is 1'],
    ['runIf', true, 'runIf is true; give a function of (context)'],
    ['variables', 'region', "variables must be a list of names and not 'region'"],
    ['connections', [''], "connections[0] is ''; give names"],
    ['fields', [1], 'fields is [ 1 ]; give an object of values by name'],
  ])('%s is refused for %o', (field, value, message) => {
    expect(() => taskWith({ run, [field]: value })).toThrow(message);
  });
});

describe('callbacks', () => {
  const [first, second, third] = [() => 1, () => 2, () => 3];
  const definition = dag('d', { on: { failure: [first, second] }, taskDefaults: { on: { retry: first, failure: first } } }, (d) => {
    d.task('t', { on: { failure: [second, third] }, run });
    d.task('u', { run });
  });

  test('are found by what has happened, a task’s own in place of those of its dag', () => {
    expect(findCallbacks(definition, { of: 'dag', when: 'failure' })).toEqual([first, second]);
    expect(findCallbacks(definition, { of: 'dag', when: 'success' })).toEqual([]);
    expect(findCallbacks(definition, { of: 'task', taskId: 't', when: 'failure' })).toEqual([second, third]);
    expect(findCallbacks(definition, { of: 'task', taskId: 't', when: 'retry' })).toEqual([first]);
    expect(findCallbacks(definition, { of: 'task', taskId: 'u', when: 'failure' })).toEqual([first]);
  });

  test('are told to the environment by their occasions alone', () => {
    expect(definition.serialized.callbacks).toEqual(['failure']);
    expect(definition.serialized.tasks.map(({ callbacks }) => callbacks)).toEqual([
      ['failure', 'retry'],
      ['failure', 'retry'],
    ]);
  });
});

describe('deadlines', () => {
  test('count from what they name, after it or before it, and keep their callbacks', () => {
    const callback = (): void => {};
    const options: DagOptions = {
      deadlines: [
        { name: 'queued', reference: deadline.queuedAt(), interval: { hours: 1 }, callback },
        { name: 'logical', reference: deadline.logicalDate(), before: { minutes: 5 }, callback: [callback, callback] },
        { name: 'fixed', reference: deadline.fixed('2026-01-31T06:00+01:00'), interval: { minutes: 0 }, callback },
        { name: 'average', reference: deadline.averageRuntime({ maxRuns: 5 }), interval: { minutes: 1 }, callback },
      ],
    };
    const definition = define('d', options, () => {});
    expect(serializedDagSchema.parse(definition.serialized).deadlines).toEqual([
      { name: 'queued', reference: { kind: 'dag_run_queued_at' }, intervalMs: 3_600_000 },
      { name: 'logical', reference: { kind: 'dag_run_logical_date' }, intervalMs: -300_000 },
      { name: 'fixed', reference: { kind: 'fixed_datetime', at: '2026-01-31T05:00:00Z' }, intervalMs: 0 },
      { name: 'average', reference: { kind: 'average_runtime', maxRuns: 5, minRuns: 5 }, intervalMs: 60_000 },
    ]);
    expect(findCallbacks(definition, { of: 'deadline', name: 'logical' })).toEqual([callback, callback]);
  });

  const valid = { name: 'late', reference: deadline.queuedAt(), interval: { hours: 1 }, callback: run };
  test.each([
    ['no list', 'soon', "deadlines must be a list and not 'soon'"],
    ['no name', [{ ...valid, name: ' ' }], 'deadlines[0].name is missing'],
    ['one name twice', [valid, valid], "two deadlines are named 'late'"],
    ['no callback', [{ ...valid, callback: undefined }], 'deadlines[0].callback is missing'],
    ['two intervals', [{ ...valid, before: { hours: 1 } }], 'deadlines[0] needs either interval (after its reference) or before'],
    ['no interval', [{ ...valid, interval: undefined }], 'deadlines[0] needs either interval'],
    ['an unknown reference', [{ ...valid, reference: { kind: 'now' } }], 'use deadline.queuedAt()'],
    ['a moment without an offset', [{ ...valid, reference: deadline.fixed('2026-01-31') }], 'give an instant'],
    ['more runs than it looks at', [{ ...valid, reference: deadline.averageRuntime({ maxRuns: 2, minRuns: 3 }) }], 'minRuns is 3'],
  ])('are refused for %s', (_, deadlines, message) => {
    expect(() => defineWith({ deadlines })).toThrow(message);
  });
});

describe('an option of a run', () => {
  test('is taken over as it is written', () => {
    const { serialized } = defineWith({
      failFast: true,
      maxConsecutiveFailedDagRuns: 3,
      dagrunTimeout: { hours: 2 },
      allowedRunTypes: ['scheduled', 'manual'],
    });
    expect(serializedDagSchema.parse(serialized)).toMatchObject({
      failFast: true,
      maxConsecutiveFailedDagRuns: 3,
      dagrunTimeoutMs: 7_200_000,
      allowedRunTypes: ['scheduled', 'manual'],
    });
  });

  test('failFast is refused beside a rule that waits for failures, but for teardowns', () => {
    const withRule = (triggerRule: 'all_success' | 'one_failed') => () =>
      dag('d', { failFast: true }, (d) => {
        const a = d.setup('a', { run });
        const b = d.task('b', { after: [a], triggerRule, run });
        d.teardown('c', { setups: [a], after: [b], run });
      });
    expect(withRule('all_success')).not.toThrow();
    expect(withRule('one_failed')).toThrow('failFast is set, and task "b" has the trigger rule \'one_failed\'');
  });

  test.each([
    ['maxConsecutiveFailedDagRuns', 0, 'maxConsecutiveFailedDagRuns is 0'],
    ['dagrunTimeout', {}, 'dagrunTimeout is {}'],
    ['allowedRunTypes', [], 'allowedRunTypes is []; list one or more of'],
    ['allowedRunTypes', ['nightly'], "allowedRunTypes is [ 'nightly' ]"],
    ['on', { retry: run }, "'retry' is not a field of on; known are 'success', 'failure'"],
  ])('%s is refused for %o', (field, value, message) => {
    expect(() => defineWith({ [field]: value })).toThrow(message);
  });
});
