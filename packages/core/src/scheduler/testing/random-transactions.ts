import type { TaskInstanceState } from '@tradewind/protocol';
import type { Database, Statement } from '../../store/database.ts';
import { insert, insertDag, insertDagRun, insertTaskInstance } from '../../store/testing/transition-fixtures.ts';
import {
  clearTaskInstances,
  deleteClearedValues,
  forgetMappedScopes,
  interruptTaskInstances,
} from '../../store/transitions/clear-task-instances.ts';
import { createTaskInstances } from '../../store/transitions/create-task-instances.ts';
import { indexTaskInstances, recordExpandedScopes } from '../../store/transitions/expand-mapped-scopes.ts';
import { finishDagRuns } from '../../store/transitions/finish-dag-runs.ts';
import { finishTaskInstances, type FinishedAttempt } from '../../store/transitions/finish-task-instances.ts';
import { haltTaskInstances, type HaltedTaskInstance } from '../../store/transitions/halt-task-instances.ts';
import { holdDagRuns, releaseRefusedDagRuns } from '../../store/transitions/hold-dag-runs.ts';
import { holdFoundDagRun, lockDagRun, lockTaskInstances } from '../../store/transitions/hold-found-dag-run.ts';
import { markTaskInstances, type MarkedTaskInstance } from '../../store/transitions/mark-task-instances.ts';
import { pushXComs } from '../../store/transitions/push-xcoms.ts';
import {
  lockLimitedDags,
  lockPools,
  queueTaskInstances,
  scheduleAndQueueTaskInstances,
} from '../../store/transitions/queue-task-instances.ts';
import { recordClearedTries, recordRestartedTries, recordRetriedTries } from '../../store/transitions/record-tries.ts';
import { resetTaskInstances } from '../../store/transitions/reset-task-instances.ts';
import { restartTaskInstances } from '../../store/transitions/restart-task-instances.ts';
import { scheduleTaskInstances } from '../../store/transitions/schedule-task-instances.ts';
import { settleTaskInstances, type SettledTaskInstance } from '../../store/transitions/settle-task-instances.ts';
import { startTaskInstances } from '../../store/transitions/start-task-instances.ts';
import type { Chance } from './chance.ts';

/** Some transaction, and a name for people. */
export interface DrawnTransaction {
  readonly name: string;
  readonly statements: readonly Statement<unknown>[];
}

/** A task instance as whoever draws for it has last seen it; somebody else may have changed it since. */
export interface SeenInstance {
  readonly id: string;
  readonly runId: string;
  readonly taskId: string;
  readonly epoch: number;
  readonly state: TaskInstanceState;
}

/** What the transactions are about, as it was last seen. */
export interface SeenWorld {
  readonly instances: readonly SeenInstance[];
  readonly revisions: ReadonlyMap<string, number>;
  readonly counts: ReadonlyMap<string, number>;
}

const RUNS = ['run_1', 'run_2'] as const;
const TASKS = ['task_1', 'task_2', 'task_3'] as const;
const NOW = 1_000;

/** Two runs of one dag, held by two schedulers, with three task instances each in a pool of two slots. */
export async function storeTransactionWorld(database: Database): Promise<void> {
  await insertDag(database);
  await database.batch([insert('pool', { name: 'small', slots: 2, description: '', include_deferred: 0 })]);
  for (const [place, run] of RUNS.entries()) {
    await insertDagRun(database, run, { scheduler_term: place + 1 });
    for (const task of TASKS) {
      const changes = { id: `${run}.${task}`, dag_run_id: run, run_id: run, task_id: task, pool: 'small', epoch: 0, try_number: 0 };
      await insertTaskInstance(database, 'none', changes);
    }
  }
}

/** Draws the tick of a scheduler, the report of a worker, or a change by hand. */
export function drawTransaction(chance: Chance, seen: SeenWorld, number: number): DrawnTransaction {
  const roll = chance.between(0, 99);
  if (roll < 60) return drawTick(chance, seen, number);
  return roll < 75 ? drawReport(chance, seen) : drawOperation(chance, seen, number);
}

function drawTick(chance: Chance, seen: SeenWorld, number: number): DrawnTransaction {
  const run = chance.pick(RUNS);
  const tick = `tick.${number}`;
  // Now and then a scheduler that has lost the run.
  const term = chance.happens(0.85) ? RUNS.indexOf(run) + 1 : 3;
  const held = holdDagRuns(tick, term, NOW, [{ id: run, revision: seen.revisions.get(run) ?? 0 }]);
  const own = seen.instances.filter(({ runId }) => runId === run);
  const finished = own
    .filter(({ state }) => state === 'running')
    .flatMap((instance) => (chance.happens(0.6) ? [drawFinish(chance, instance)] : []));
  const started = own.filter(({ state }) => state === 'queued' && chance.happens(0.6));
  const expected = [...finished, ...started.map(({ id, epoch }) => ({ taskInstanceId: id, epoch, state: 'running' }))];
  const queued = own.filter(({ state }) => state === 'scheduled').map((instance) => drawSlot(chance, instance));
  const beginning = own
    .filter(({ state }) => (state === 'none' || state === 'up_for_retry') && chance.happens(0.3))
    .map((instance) => ({ ...drawSlot(chance, instance), raisesTry: 1 as const, resumption: null }));
  const statements = [
    held,
    startTaskInstances(started.map(({ id, epoch }) => ({ taskInstanceId: id, epoch, startedAt: NOW, hostname: 'host', pid: 1 }))),
    finishTaskInstances(finished),
    pushXComs(
      NOW,
      finished.filter(({ state }) => state === 'success').map(({ taskInstanceId, epoch }) => ({ taskInstanceId, epoch, value: '1' })),
    ),
    releaseRefusedDagRuns(tick, expected, started.length + finished.length),
    ...drawDecisions(chance, own, { tick, run }),
    lockPools(['small']),
    lockLimitedDags(['dag_1']),
    queueTaskInstances(tick, NOW, 'local', queued),
    recordRetriedTries(tick, beginning),
    scheduleAndQueueTaskInstances(tick, NOW, 'local', beginning),
    finishDagRuns(tick, NOW, chance.happens(0.1) ? [{ id: run, state: 'success', reason: null, pauseAfter: 0 }] : []),
  ];
  return { name: `${tick} of term ${term} on ${run}`, statements };
}

function drawSlot(chance: Chance, { id, epoch, taskId }: SeenInstance) {
  return { id, epoch, pool: 'small', poolSlots: 1, dagId: 'dag_1', taskId, maxPerDag: chance.happens(0.3) ? 1 : null };
}

function drawDecisions(
  chance: Chance,
  own: readonly SeenInstance[],
  { tick, run }: { readonly tick: string; readonly run: string },
): Statement<unknown>[] {
  const those = (state: string, probability: number): SeenInstance[] =>
    own.filter((instance) => instance.state === state && chance.happens(probability));
  const waiting = ['up_for_retry', 'up_for_reschedule', 'deferred'].flatMap((state) => those(state, 0.7));
  const scheduled = [...those('none', 0.6), ...waiting].map(({ id, epoch }) => ({
    id,
    epoch,
    raisesTry: chance.pick<0 | 1>([0, 1]),
    resumption: null,
  }));
  const settled = those('none', 0.1).map(({ id, epoch }) => ({
    id,
    epoch,
    state: chance.pick<SettledTaskInstance['state']>(['skipped', 'upstream_failed', 'removed']),
    failure: null,
    decision: null,
  }));
  const halted = own
    .filter(() => chance.happens(0.05))
    .map(({ id, epoch }) => ({ id, epoch, state: chance.pick<HaltedTaskInstance['state']>(['failed', 'skipped']), failure: null }));
  const restarting = those('restarting', 0.8).map(({ id, epoch }) => ({ id, epoch, maxTries: 4 }));
  const mapIndex = chance.between(0, 2);
  const created = { id: `${run}.task_4.${mapIndex}.${tick}`, dagRunId: run, taskId: 'task_4', mapIndex, maxTries: 1, operator: 'function' };
  return [
    recordRestartedTries(tick, NOW, restarting),
    restartTaskInstances(tick, restarting),
    recordExpandedScopes(tick, chance.happens(0.2) ? [{ dagRunId: run, scopeId: 'task_4', length: chance.between(1, 3) }] : []),
    createTaskInstances(
      tick,
      chance.happens(0.2) ? [{ ...created, pool: 'small', poolSlots: 1, priorityWeight: 1, queue: 'default' }] : [],
    ),
    indexTaskInstances(tick, those('none', 0.1)),
    settleTaskInstances(tick, NOW, settled),
    resetTaskInstances(tick, those('queued', 0.15)),
    recordRetriedTries(tick, scheduled),
    scheduleTaskInstances(tick, NOW, scheduled),
    haltTaskInstances(tick, NOW, halted),
  ];
}

function drawFinish(chance: Chance, { id, epoch }: SeenInstance): FinishedAttempt {
  const state = chance.pick<FinishedAttempt['state']>(['success', 'failed', 'skipped', 'up_for_retry', 'up_for_reschedule', 'deferred']);
  const nothing = { failure: null, decision: null, deferral: null, mapIndexLabel: null, losses: 0, reschedules: 0, maxTries: 3 };
  return {
    taskInstanceId: id,
    epoch,
    ...(chance.happens(0.3)
      ? { from: 'queued' as const, started: { startedAt: NOW, hostname: 'host', pid: 2 } }
      : { from: 'running' as const }),
    state,
    endedAt: NOW,
    retryAt: state === 'up_for_retry' ? NOW : null,
    ...nothing,
  };
}

/** A worker that its scheduler has lost, which may say what it said before. */
function drawReport(chance: Chance, { instances }: SeenWorld): DrawnTransaction {
  const [first, ...rest] = instances;
  if (first === undefined) return { name: 'nothing', statements: [] };
  const instance = chance.pick([first, ...rest]);
  const epoch = Math.max(0, instance.epoch - chance.pick([0, 0, 1]));
  const finished = drawFinish(chance, { ...instance, epoch });
  const started = startTaskInstances([{ taskInstanceId: instance.id, epoch, startedAt: NOW, hostname: 'stray', pid: 1 }]);
  const statements = chance.happens(0.4) ? [started] : [finishTaskInstances([finished])];
  return { name: `a report of ${instance.id} at epoch ${epoch}`, statements };
}

function drawOperation(chance: Chance, seen: SeenWorld, number: number): DrawnTransaction {
  const run = chance.pick(RUNS);
  const operation = `operation.${number}`;
  const own = seen.instances.filter(({ runId }) => runId === run);
  const chosen = own.filter(() => chance.happens(0.4)).map((instance) => ({ ...instance }));
  const isClear = chance.happens(0.6);
  const tries = chosen.map((instance) => ({ ...instance, maxTries: 5 }));
  const to = chance.pick<MarkedTaskInstance['to']>(['success', 'failed', 'skipped']);
  const found = {
    id: run,
    state: 'running',
    revision: seen.revisions.get(run) ?? 0,
    counted: seen.counts.get(run) ?? 0,
    reliesOn: [],
  } as const;
  const changes = isClear
    ? [
        recordClearedTries(operation, NOW, chosen),
        deleteClearedValues(operation, run, chosen),
        forgetMappedScopes(operation, run, ['task_4']),
        clearTaskInstances(operation, tries),
        interruptTaskInstances(operation, tries),
      ]
    : [
        markTaskInstances(
          operation,
          NOW,
          chosen.map((instance) => ({ ...instance, to, failure: null })),
        ),
      ];
  const statements = [lockDagRun(run), lockTaskInstances(run), holdFoundDagRun(operation, found), ...changes];
  return { name: `${operation} on ${run}`, statements };
}
