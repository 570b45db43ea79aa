import type { SerializedDag } from '@tradewind/protocol';
import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { DAG_OPTION_FIELDS } from '../authoring/read-dag-options.ts';
import { TASK_SPEC_FIELDS } from '../authoring/kinds/function-task.ts';
import { asset, bash, dag, deadline, deferFor, trigger, type AssetOptions, type DagOptions, type TaskRef } from '../index.ts';

const orders = asset('orders');
const run = (): number => 1;
const wait = trigger('wait', { run });

/** For each option of a dag, a value that is not the default. */
const DAG_OPTIONS: Required<DagOptions> = {
  schedule: { cron: '@daily' },
  startDate: '2026-01-01',
  endDate: '2026-12-31',
  timezone: 'Europe/Paris',
  catchup: true,
  params: { region: { type: 'string', default: 'eu' } },
  maxActiveRuns: 2,
  maxActiveTasks: 3,
  failFast: true,
  maxConsecutiveFailedDagRuns: 5,
  dagrunTimeout: { hours: 3 },
  allowedRunTypes: ['scheduled'],
  deadlines: [{ name: 'late', reference: deadline.queuedAt(), interval: { hours: 2 }, callback: run }],
  on: { failure: run },
  tags: ['sales'],
  description: 'Orders of the day',
  doc: '# Orders',
  owner: 'sales',
  displayName: 'Orders',
  isPausedUponCreation: true,
  taskDefaults: { retries: 4 },
};

type LooseSpec = { readonly [Field in keyof typeof TASK_SPEC_FIELDS]?: unknown };

/** For each field of a task, a value that is not the default, given the ref of a task before it. */
const TASK_FIELDS = (before: TaskRef<unknown>): Required<LooseSpec> => ({
  inputs: { before, header: true },
  after: [before],
  run,
  triggerRule: 'all_done',
  outlets: [orders],
  operator: 'http_get',
  displayName: 'Load',
  doc: '# Load',
  retries: 4,
  retryDelay: { seconds: 1 },
  executionTimeout: { hours: 1 },
  isolation: 'process',
  retryBackoff: 2,
  maxRetryDelay: { hours: 2 },
  dependsOnPast: true,
  ignoreFirstDependsOnPast: true,
  waitForDownstream: true,
  waitForPastDependsBeforeSkipping: true,
  pool: 'small',
  poolSlots: 2,
  priorityWeight: 10,
  weightRule: 'absolute',
  queue: 'large',
  executor: 'kubernetes',
  maxActiveTisPerDag: 4,
  maxActiveTisPerDagrun: 3,
  on: { failure: run, success: [run, run] },
  inlets: [asset('customers')],
  variables: ['region'],
  connections: ['warehouse'],
  fields: { url: 'https://example.org' },
  templateFields: ['url'],
  runIf: () => true,
  skipIf: () => false,
  resume: run,
  triggers: [wait],
  startFromTrigger: deferFor({ minutes: 1 }),
});

/** Adds a task as JavaScript would: with anything. */
function addTask(d: unknown, taskId: string, spec: LooseSpec): void {
  (d as { task: (taskId: string, spec: LooseSpec) => unknown }).task(taskId, spec);
}

/** What an author writes that the data does not hold, and why. */
const EXCLUDED = {
  dag: {
    timezone: 'it is how cron text and local dates are read: the schedule carries it, and dates are instants',
  },
  task: {
    run: 'it is code, which stays in the dag file: the definition’s handlers hold it',
    runIf: 'it is code, asked by the handler of the task',
    skipIf: 'it is code, asked by the handler of the task',
    resume: 'it is code: the definition’s resume handlers hold it',
    triggers: 'they are code: the definition’s triggers hold them, and a deferral names one',
  },
} as const;

const serializeOptions = (options: Partial<DagOptions>): SerializedDag =>
  dag('orders', options, (d) => {
    d.task('load', { run });
  }).serialized;

const serializeTask = (pick: (fields: Required<LooseSpec>) => LooseSpec): SerializedDag =>
  dag('orders', (d) => {
    const before = d.task('before', { run });
    addTask(d, 'load', { run, ...pick(TASK_FIELDS(before)) });
  }).serialized;

describe('every option of a dag', () => {
  test.each(Object.keys(DAG_OPTION_FIELDS) as (keyof DagOptions)[])('%s is in the data, or on the list of exclusions', (field) => {
    const isKept = JSON.stringify(serializeOptions({ [field]: DAG_OPTIONS[field] })) !== JSON.stringify(serializeOptions({}));
    expect(isKept).toBe(!Object.hasOwn(EXCLUDED.dag, field));
  });

  test('timezone is how the others are read', () => {
    const { timezone } = DAG_OPTIONS;
    const { schedule, startDate } = serializeOptions({ schedule: '@daily', startDate: '2026-01-01', timezone });
    expect({ schedule, startDate }).toEqual({
      schedule: { kind: 'cron', expression: '0 0 * * *', timezone },
      startDate: '2025-12-31T23:00:00Z',
    });
  });
});

describe('every field of a task', () => {
  test.each(Object.keys(TASK_SPEC_FIELDS) as (keyof LooseSpec)[])('%s is in the data, or on the list of exclusions', (field) => {
    const isKept = JSON.stringify(serializeTask((fields) => ({ [field]: fields[field] }))) !== JSON.stringify(serializeTask(() => ({})));
    expect(isKept).toBe(!Object.hasOwn(EXCLUDED.task, field));
  });
});

describe('every option of an asset', () => {
  const options: Required<AssetOptions> = {
    uri: 's3://orders',
    group: 'sales',
    extra: { team: 'sales' },
    eventType: 'orders.v1',
    publish: { transport: 'sns', topic: 'orders' },
    watchers: [{ transport: 'sqs', queue: 'orders', type: 'orders.v1' }],
  };
  test.each(Object.keys(options) as (keyof AssetOptions)[])('%s is in the data', (field) => {
    const { assets } = dag('d', { schedule: asset('orders', { [field]: options[field] }) }, () => {}).serialized;
    expect(assets[0]).toMatchObject({ [field]: options[field] });
  });
});

describe('the data', () => {
  // With failFast no task may have another rule than all_success.
  const ALL_OPTIONS = { ...DAG_OPTIONS, failFast: false };
  const full = dag('orders', ALL_OPTIONS, (d) => {
    const before = d.task('before', { ...bash({ command: 'date' }), outlets: [orders] });
    addTask(d, 'load', TASK_FIELDS(before));
  });

  test.each([
    ['with every option', full],
    ['with none', dag('plain', () => {})],
    ['started by assets', dag('fed', { schedule: { any: [orders, asset('customers')] } }, () => {})],
  ])('of a dag %s is what an environment accepts', (_, { serialized }) => {
    expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  });

  test('is JSON: nothing changes when it is sent', () => {
    expect(JSON.parse(JSON.stringify(full.serialized))).toEqual(full.serialized);
  });

  test('is the same text for the same definition', () => {
    const again = dag('orders', ALL_OPTIONS, (d) => {
      const before = d.task('before', { ...bash({ command: 'date' }), outlets: [orders] });
      addTask(d, 'load', TASK_FIELDS(before));
    });
    expect(JSON.stringify(again.serialized)).toBe(JSON.stringify(full.serialized));
  });

  test('names each asset once', () => {
    const { assets, tasks } = dag('d', { schedule: orders }, (d) => {
      d.task('a', { outlets: [orders, orders], run });
      d.task('b', { outlets: [asset('orders')], run });
    }).serialized;
    expect(assets.map(({ name }) => name)).toEqual(['orders']);
    expect(tasks.map(({ outlets }) => outlets)).toEqual([['orders'], ['orders']]);
  });

  test.each<[string, DagOptions, LooseSpec]>([
    ['ids', {}, {}],
    ['names', { displayName: 'x'.repeat(250), owner: 'x'.repeat(250) }, { displayName: 'x'.repeat(250), operator: 'x'.repeat(250) }],
    ['texts', { doc: 'x'.repeat(65_536), description: 'x'.repeat(65_536) }, { doc: 'x'.repeat(65_536) }],
    ['limits', { maxActiveRuns: 1_000_000, maxActiveTasks: 1_000_000 }, { retries: 10_000, retryDelay: { days: 36_525 } }],
    ['tags', { tags: Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(100, 'x')) }, {}],
    ['params', { params: { ['x'.repeat(250)]: {} } }, {}],
  ])('at the longest %s that the sdk takes is accepted by an environment, too', (_, options, spec) => {
    const { serialized } = dag('x'.repeat(250), options, (d) => {
      addTask(d, 'y'.repeat(250), { run, ...spec });
    });
    expect(serializedDagSchema.safeParse(serialized)).toMatchObject({ success: true });
  });
});
