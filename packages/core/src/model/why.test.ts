import { compileGraph, type SerializedTask, type TaskInstanceState } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { findFailedDependencies } from './failed-deps.ts';
import { explainDag, explainRun, explainTaskInstance } from './why.ts';
import type { AskedInstance, DagFacts, InstanceFacts, RunFacts, TaskFacts } from './why-facts.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

const DAG: DagFacts = {
  now: NOW,
  dagId: 'orders',
  isPaused: false,
  isStale: false,
  hasImportErrors: false,
  maxActiveRuns: 2,
  schedule: null,
  nextRunAt: null,
  schedulerSeenAt: NOW - 1_000,
};

const RUN: RunFacts = {
  runId: 'r1',
  state: 'running',
  runAfterAt: NOW - 60_000,
  startedAt: NOW - 30_000,
  endedAt: null,
  endReason: null,
  runningRuns: ['r0'],
  runsAhead: 0,
};

function task(taskId: string, upstream: readonly string[] = [], more: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: {},
    upstream,
    triggerRule: 'all_success',
    retries: 1,
    retryDelayMs: 0,
    isolation: 'warm',
    outlets: [],
    ...more,
  };
}

const TASKS = [task('extract'), task('clean'), task('load', ['extract', 'clean'], { maxActiveTisPerDag: 2, maxActiveTisPerDagrun: 1 })];

function at(state: TaskInstanceState, taskId: string, more: Partial<InstanceFacts> = {}): InstanceFacts {
  return { taskId, mapIndex: -1, state, decision: null, ...more };
}

/** Facts about `load` below two tasks that have succeeded, with room everywhere. */
function facts(
  asked: Partial<AskedInstance> = {},
  {
    tasks = TASKS,
    above = [at('success', 'extract'), at('success', 'clean')],
    maxActiveTasks = 16,
    ...more
  }: Partial<TaskFacts> & {
    readonly tasks?: readonly SerializedTask[];
    readonly above?: readonly InstanceFacts[];
    readonly maxActiveTasks?: number;
  } = {},
): TaskFacts {
  const whole: AskedInstance = {
    ...at('none', 'load'),
    tryNumber: 1,
    maxTries: 2,
    queuedAt: null,
    startedAt: null,
    endedAt: null,
    retryAt: null,
    failure: null,
    deferral: null,
    pool: 'etl',
    poolSlots: 1,
    ...asked,
  };
  const graph = compileGraph({
    schemaVersion: 1,
    dagId: 'orders',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 2,
    maxActiveTasks,
    tasks,
    assets: [],
  });
  return {
    dag: DAG,
    run: RUN,
    graph,
    instances: [...above, whole],
    asked: whole,
    pool: { slots: 4, occupied: 1, holders: [] },
    past: undefined,
    busyInDag: 0,
    busyInEnvironment: 3,
    ...more,
  };
}

describe('a task instance that does not run', () => {
  const cases: readonly (readonly [because: string, facts: TaskFacts, sentence: string])[] = [
    ['of nothing', facts(), 'load is about to be queued: everything that must hold does.'],
    [
      'of what is above it',
      facts({}, { above: [at('running', 'extract'), at('success', 'clean')] }),
      'load waits: its rule all_success waits for 1 of 2 upstream task instances: extract (running).',
    ],
    [
      'of tasks that the run has no task instances of yet',
      facts({}, { above: [] }),
      'load waits: its rule all_success waits for 2 of 2 upstream task instances: extract (not started), clean (not started).',
    ],
    [
      'of a failure that is not yet decided about',
      facts({}, { above: [at('failed', 'extract'), at('running', 'clean')] }),
      'load is about to become upstream_failed: its rule all_success cannot hold any more: extract (failed).',
    ],
    [
      'of a failure',
      facts({ state: 'upstream_failed', endedAt: NOW }, { above: [at('upstream_failed', 'extract'), at('success', 'clean')] }),
      'load could not run: extract (upstream_failed) came first.',
    ],
    [
      'of a choice',
      facts(
        { state: 'skipped', endedAt: NOW },
        {
          tasks: [
            task('extract', [], { decision: { kind: 'branch', choices: ['a'] } }),
            task('clean'),
            task('load', ['extract', 'clean'], { followedOn: { extract: ['a'] } }),
          ],
          above: [at('success', 'extract', { decision: { kind: 'branch', follow: [] } }), at('success', 'clean')],
        },
      ),
      'load was skipped at 2026-11-21T12:00:00Z: extract did not choose it.',
    ],
    [
      'of a setup further up',
      facts(
        {},
        {
          tasks: [task('make', [], { role: 'setup' }), task('extract', ['make']), task('clean'), task('load', ['extract', 'clean'])],
          above: [at('running', 'make'), at('success', 'extract'), at('success', 'clean')],
        },
      ),
      'load waits: setups have not succeeded: make (running).',
    ],
    [
      'of its expansion',
      facts(
        {},
        {
          tasks: [
            task('extract'),
            task('clean'),
            task('load', ['extract', 'clean'], { expand: { kind: 'sets', source: { kind: 'xcom', taskId: 'extract' } } }),
          ],
        },
      ),
      'load waits: it is mapped over what extract returned and not expanded yet.',
    ],
    [
      'of the run before',
      facts({}, { past: { isMet: false, runId: 'r0', states: ['running'] } }),
      'load waits: it depends on the run before, and r0 has it in running.',
    ],
    [
      'of the time of its next try',
      facts({ state: 'up_for_retry', retryAt: NOW + 60_000 }),
      'load waits: try 2 of 2 is due at 2026-11-21T12:01:00Z.',
    ],
    [
      'of the time of its next poke',
      facts({ state: 'up_for_reschedule', retryAt: NOW + 60_000 }),
      'load waits: its next poke is due at 2026-11-21T12:01:00Z.',
    ],
    [
      'of an event',
      facts({
        state: 'deferred',
        deferral: { trigger: { kind: 'code', name: 'batch_job', argsJson: '{}' }, stateJson: '{}', timeoutAt: NOW },
      }),
      'load waits: it waits for its trigger batch_job, at most until 2026-11-21T12:00:00Z.',
    ],
    [
      'of the end of another run',
      facts({ state: 'deferred', deferral: { trigger: { kind: 'dag_run', dagId: 'child', runId: 'c1' }, stateJson: '{}' } }),
      'load waits: it waits for the end of run c1 of dag child.',
    ],
    [
      'of the limit of the run',
      facts(
        { state: 'scheduled' },
        { above: [at('success', 'extract'), at('success', 'clean'), at('running', 'other')], maxActiveTasks: 1 },
      ),
      'load waits: 1 of 1 task instances of the run are at work.',
    ],
    [
      'of the limit of the task',
      facts({ state: 'scheduled' }, { busyInDag: 2 }),
      'load waits: 2 of 2 task instances of the task are at work in all runs.',
    ],
    [
      'of its pool, and says who holds it',
      facts({ state: 'scheduled', poolSlots: 2 }, { pool: { slots: 4, occupied: 3, holders: ['a.x of r7', 'b', 'c', 'd', 'e'] } }),
      'load waits: 3 of 4 slots of pool etl are taken; it needs 2; held by a.x of r7, b, c and 2 more.',
    ],
    [
      'of a pool that is too small for it',
      facts({ state: 'scheduled', poolSlots: 9 }),
      'load waits: it needs 9 slots, and pool etl has only 4: it can never have them.',
    ],
    [
      'of a pool that there is not',
      facts({ state: 'scheduled' }, { pool: undefined }),
      'load waits: there is no pool etl: make it with "tradewind pools set", or name another one in the dag.',
    ],
    [
      'of a pause',
      facts({}, { dag: { ...DAG, isPaused: true } }),
      'load waits: the dag is paused: "tradewind dags unpause orders" lets it go on.',
    ],
    [
      'of the scheduler',
      facts({}, { dag: { ...DAG, schedulerSeenAt: null } }),
      'load waits: no scheduler is running: start the environment.',
    ],
    [
      'of a silent scheduler',
      facts({}, { dag: { ...DAG, schedulerSeenAt: NOW - 45_000 } }),
      'load waits: no scheduler has been heard of for 45 seconds: look at the log of the environment.',
    ],
    [
      'of its run, which waits itself',
      facts({}, { run: { ...RUN, state: 'queued', runningRuns: ['r0', 'r9'], runsAhead: 1 } }),
      'load waits: run r1 has not started, because 2 of 2 runs of the dag are running (r0, r9), and 1 run is in line before it.',
    ],
    [
      'of a worker',
      facts({ state: 'queued', queuedAt: NOW - 90_000 }),
      'load waits: it has been queued for 90 seconds and no worker has started it; 3 task instances are queued or running.',
    ],
    ['that it is over', facts({ state: 'success', endedAt: NOW }), 'load does not run because it has succeeded at 2026-11-21T12:00:00Z.'],
    [
      'that it failed',
      facts({ state: 'failed', endedAt: NOW, failure: { kind: 'error', message: 'no such table' } }),
      'load failed at 2026-11-21T12:00:00Z in try 1 of 2: no such table.',
    ],
    ['that it runs already', facts({ state: 'running', startedAt: NOW }), 'load runs, in try 1 of 2 since 2026-11-21T12:00:00Z.'],
    [
      'that it is being stopped',
      facts({ state: 'restarting' }),
      'load was cleared while it ran, and begins again when its code has stopped.',
    ],
  ];

  test.each(cases)('because %s', (_because, known, sentence) => {
    expect(explainTaskInstance(known).sentence).toBe(sentence);
  });

  test('of a mapped group is kept by its own index alone', () => {
    const group = { groupId: 'g' };
    const tasks = [task('extract'), task('clean', ['extract'], group), task('load', ['clean'], group)];
    const known = facts(
      { mapIndex: 1 },
      { tasks, above: [at('success', 'extract'), at('running', 'clean', { mapIndex: 0 }), at('success', 'clean', { mapIndex: 1 })] },
    );
    const dag = {
      ...known.graph.dag,
      groups: [{ groupId: 'g', expand: { kind: 'sets', source: { kind: 'xcom', taskId: 'extract' } } }],
    } as const;
    expect(explainTaskInstance({ ...known, graph: compileGraph(dag) }).sentence).toMatch(/^load\[1\] is about to be queued/);
  });

  test('shows every gate, also behind the first that is closed', () => {
    const { gates } = explainTaskInstance(facts({}, { dag: { ...DAG, isPaused: true }, pool: undefined }));
    expect(gates.filter(({ isMet }) => !isMet).map(({ kind }) => kind)).toEqual(['pause', 'pool']);
    expect(gates.map(({ kind }) => kind)).toEqual([
      'definition',
      'pause',
      'scheduler',
      'run',
      'trigger_rule',
      'active_tasks',
      'task_limit_in_run',
      'task_limit_in_dag',
      'pool',
    ]);
  });
});

describe('a run that does not start', () => {
  const queued = { ...RUN, state: 'queued', runningRuns: [] } as const;
  const cases: readonly (readonly [because: string, dag: DagFacts, run: RunFacts, sentence: string])[] = [
    ['of nothing', DAG, queued, 'r1 is about to start: everything that must hold does.'],
    ['of the time', DAG, { ...queued, runAfterAt: NOW + 1_000 }, 'r1 waits: it is not due before 2026-11-21T12:00:01Z.'],
    ['of the limit', DAG, { ...queued, runningRuns: ['a', 'b'] }, 'r1 waits: 2 of 2 runs of the dag are running (a, b).'],
    [
      'of the limit of its backfill',
      DAG,
      { ...queued, runningRuns: ['a'], backfill: { isPaused: false, maxActiveRuns: 1 } },
      'r1 waits: 1 of 1 runs of its backfill are running (a).',
    ],
    [
      'of a backfill that is paused',
      DAG,
      { ...queued, backfill: { isPaused: true, maxActiveRuns: 1 } },
      'r1 waits: its backfill is paused.',
    ],
    ['that it runs', DAG, RUN, 'r1 runs since 2026-11-21T11:59:30Z.'],
    [
      'that it is over',
      DAG,
      { ...RUN, state: 'failed', endedAt: NOW, endReason: 'timed_out' },
      'r1 failed at 2026-11-21T12:00:00Z (timed_out).',
    ],
  ];

  test.each(cases)('because %s', (_because, dag, run, sentence) => {
    expect(explainRun(dag, run).sentence).toBe(sentence);
  });
});

describe('a dag without a run', () => {
  const cases: readonly (readonly [because: string, dag: Partial<DagFacts>, sentence: string])[] = [
    ['is due', { nextRunAt: NOW + 1_000, schedule: 'every hour' }, 'orders is due next at 2026-11-21T12:00:01Z (every hour).'],
    ['waits for assets', { schedule: 'on customers and prices' }, 'orders waits for what starts it: on customers and prices.'],
    ['has no schedule', {}, 'orders is started by nobody but you: "tradewind dags trigger orders".'],
    ['is paused', { isPaused: true }, 'orders does not run: the dag is paused: "tradewind dags unpause orders" lets it go on.'],
    ['is gone', { isStale: true }, 'orders does not run: no file defines the dag orders any more.'],
  ];

  test.each(cases)('%s', (_because, dag, sentence) => {
    expect(explainDag({ ...DAG, ...dag }).sentence).toBe(sentence);
  });
});

test('failed dependencies have the names under which Airflow has them', () => {
  const known = facts(
    { state: 'success', endedAt: NOW },
    { above: [at('running', 'extract')], pool: { slots: 1, occupied: 1, holders: ['x'] } },
  );
  expect(findFailedDependencies(known).map(({ name }) => name)).toEqual(['Task Instance State', 'Trigger Rule', 'Pool Slots Available']);
  expect(findFailedDependencies(facts())).toEqual([]);
});
