import type { EnvironmentName } from './fleet.ts';

/** What one environment runs under chaos: `orders` receives what the rig sends, and its events start the runs of `reports`. */
export const DAG_FILES: Readonly<Record<EnvironmentName, string>> = {
  orders: `
import { setTimeout } from 'node:timers/promises';
import { asset, dag, defer, deferFor, trigger } from '@tradewind/sdk';
import { sns, sqs } from '@tradewind/provider-aws';
const incoming = asset('incoming', { watchers: [sqs('chaos-orders')] });
const checked = asset('checked_orders', { publish: sns('chaos-reports') });
const left = asset('left');
const right = asset('right');
const taskDefaults = { retries: 100, retryDelay: { milliseconds: 100 } };
const echo = trigger('echo', { run: async ({ n }, { signal }) => { await setTimeout(n % 60, undefined, { signal }); return { n }; } });

export const orders = dag('orders', { schedule: incoming, params: { n: { type: 'integer' } }, taskDefaults }, (d) => {
  const read = d.task('read', { run: async (_, { params }) => { await setTimeout(params.n % 40); return params.n; } });
  const flaky = d.task('flaky', { inputs: { read }, run: ({ read }, { tryNumber }) => {
    if (tryNumber === 1) throw new Error('the first try fails');
    return read;
  } });
  const split = d.task('split', { inputs: { read }, run: ({ read }) => [read, read + 1, read + 2] });
  const parts = d.mappedTask('part', { expand: { part: split }, run: ({ part }) => part * 10 });
  const sum = d.task('sum', { inputs: { parts }, run: ({ parts }) => [...parts].reduce((total, part) => total + part, 0) });
  const wait = d.sensor('wait', {
    inputs: { read }, mode: 'reschedule', pokeInterval: { milliseconds: 150 },
    poke: ({ read }, { runAfter }) => Date.now() >= runAfter.epochMilliseconds + 300 ? { done: true, value: read } : { done: false },
  });
  const pause = d.task('pause', {
    inputs: { read }, run: ({ read }) => deferFor({ milliseconds: 200 }, { state: read }), resume: (_, __, ___, state) => state,
  });
  const told = d.task('told', {
    inputs: { read }, triggers: [echo], run: ({ read }) => defer(echo, { args: { n: read } }), resume: (event) => event.n,
  });
  const doubled = d.task('double', { inputs: { read }, outlets: [left], run: ({ read }, context) => { context.emit(left, { left: read }); return read * 2; } });
  const tripled = d.task('triple', { inputs: { read }, outlets: [right], run: ({ read }, context) => { context.emit(right, { right: read }); return read * 3; } });
  d.task('publish', { inputs: { read, flaky, sum, wait, pause, told, doubled, tripled }, outlets: [checked], run: (given, context) => {
    const { read, flaky, sum, wait, pause, told, doubled, tripled } = given;
    const isOwn = doubled + tripled === read * 5 && sum === read * 30 + 30 && [flaky, wait, pause, told].every((value) => value === read);
    if (!isOwn) throw new Error('values of another run: ' + JSON.stringify(given));
    context.emit(checked, { n: read });
  } });
});

export const joined = dag('joined', { schedule: [left, right], params: { left: { type: 'integer' }, right: { type: 'integer' } }, taskDefaults }, (d) => {
  d.task('match', { run: (_, { params }) => [params.left, params.right] });
});

export const history = dag('history', { schedule: '@daily', taskDefaults }, (d) => {
  const load = d.task('load', { run: (_, { logicalDate }) => String(logicalDate) });
  d.task('settle', { inputs: { load }, run: ({ load }) => deferFor({ milliseconds: 100 }, { state: load }), resume: (_, __, ___, state) => state });
});
`,
  reports: `
import { asset, dag } from '@tradewind/sdk';
import { sqs } from '@tradewind/provider-aws';
const checked = asset('checked_orders', { watchers: [sqs('chaos-reports')] });
export const reports = dag('reports', { schedule: checked, params: { n: { type: 'integer' } }, taskDefaults: { retries: 100, retryDelay: { milliseconds: 100 } } }, (d) => {
  const load = d.task('load', { run: (_, { params }) => params.n });
  d.task('report', { inputs: { load }, run: ({ load }) => load });
});
`,
};

/** How much was asked for. */
export interface Amount {
  /** Events with the numbers 0 … `messages` - 1. */
  readonly messages: number;
  /** Backfills of `DATES_PER_BACKFILL` dates each. */
  readonly backfills: number;
}

/** A run as far as its dag's expectation looks at it. */
export interface RunRow {
  readonly dag_run_id: string;
  readonly run_type: string;
  readonly state: string;
  readonly logical_date: string | null;
  readonly conf: { readonly n?: number; readonly left?: number; readonly right?: number };
}

/** What must have come of a dag in the end. */
export interface Expectation {
  readonly environment: EnvironmentName;
  readonly dagId: string;
  /** What each run must have, once: task id and map index. */
  readonly taskInstances: readonly string[];
  /** What was asked for: each must be named by exactly one run. */
  wanted(amount: Amount): readonly string[];
  /** What of that a run stands for; nothing of a run that the dag's own schedule made. */
  namedBy(run: RunRow): readonly string[];
}

/** How many dates each backfill covers. */
const DATES_PER_BACKFILL = 10;
/** The dag that is backfilled. */
export const BACKFILLED_DAG = 'history';
const FIRST_DATE = Date.UTC(2001, 0, 1);
const DAY_MS = 86_400_000;

/** The dates of a backfill, by its number. No two backfills share one. */
export function datesOfBackfill(number: number): readonly string[] {
  return Array.from({ length: DATES_PER_BACKFILL }, (_, day) =>
    new Date(FIRST_DATE + (number * DATES_PER_BACKFILL + day) * DAY_MS).toISOString().replace('.000Z', 'Z'),
  );
}

const single = (...taskIds: readonly string[]): readonly string[] => taskIds.map((taskId) => `${taskId} -1`);
const numbered = (name: string, { messages }: Amount): readonly string[] =>
  Array.from({ length: messages }, (_, number) => `${name} ${number}`);

/** What is held against what both environments say. */
export const EXPECTATIONS: readonly Expectation[] = [
  {
    environment: 'orders',
    dagId: 'orders',
    taskInstances: [
      ...single('read', 'flaky', 'split', 'sum', 'wait', 'pause', 'told', 'double', 'triple', 'publish'),
      'part 0',
      'part 1',
      'part 2',
    ],
    wanted: (amount) => numbered('event', amount),
    namedBy: ({ conf }) => [`event ${conf.n}`],
  },
  {
    // A run takes the oldest event of each asset that waits: the two may be of different orders, but each event is in one run.
    environment: 'orders',
    dagId: 'joined',
    taskInstances: single('match'),
    wanted: (amount) => [...numbered('left', amount), ...numbered('right', amount)],
    namedBy: ({ conf }) => [`left ${conf.left}`, `right ${conf.right}`],
  },
  {
    environment: 'orders',
    dagId: BACKFILLED_DAG,
    taskInstances: single('load', 'settle'),
    wanted: ({ backfills }) =>
      Array.from({ length: backfills }, (_, number) => datesOfBackfill(number)).flatMap((dates) => dates.map((date) => `date ${date}`)),
    namedBy: (run) => (run.run_type === 'backfill' ? [`date ${run.logical_date}`] : []),
  },
  {
    environment: 'reports',
    dagId: 'reports',
    taskInstances: single('load', 'report'),
    wanted: (amount) => numbered('event', amount),
    namedBy: ({ conf }) => [`event ${conf.n}`],
  },
];
