/**
 * Taking runs into memory: those that were just started, those of a scheduler that is gone, and those whose memory became doubtful. What a crash left
 * half done is seen here and put right, whoever left it: this is recovery, and it is the same code as a first start.
 */
import { decodeJson, type TriggeringEvent } from '@tradewind/protocol';
import { paramsOfRun } from '../model/callbacks.ts';
import { compileDag } from '../model/dag-graph.ts';
import {
  selectDagVersions,
  selectMappedScopes,
  selectTaskInstances,
  selectTriggeringEvents,
  type StoredTaskInstance,
} from '../store/active-runs.ts';
import { describeAssetConflict, selectOutletConflicts, type OutletConflict } from '../store/reads/asset-conflicts.ts';
import type { ActiveDagRun } from '../store/transitions/start-dag-runs.ts';
import { createActiveRun } from './create-active-run.ts';
import { advanceRun } from './decide-task.ts';
import { endTry, restart } from './end-try.ts';
import { expandLateMembers } from './expand-scopes.ts';
import { timeoutOf } from './halt-run.ts';
import { addDeferralTimers, attemptOf, makeReady, resetTask } from './move-task.ts';
import { tasksOf, type ActiveRun, type ActiveTask } from './run-state.ts';
import { noteSlots, rememberRun, type SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** Builds the runs and enters into the plan everything that can be decided about them. */
export async function takeRuns(state: SchedulerState, rows: readonly ActiveDagRun[], plan: TickPlan): Promise<void> {
  const wanted = rows.filter(({ id }) => !state.runs.has(id));
  if (wanted.length === 0) return;
  const stored = await readStored(state, wanted);
  for (const row of wanted) {
    const graph = state.graphs.get(row.dagVersionId);
    if (graph === undefined) {
      state.parts.log.error('a run names a dag version that is not stored', { dagRun: row.id, dagVersion: row.dagVersionId });
      continue;
    }
    const run = createActiveRun({
      row,
      graph,
      params: paramsOfRun(graph.dag.params, row.conf),
      events: stored.events.get(row.id) ?? [],
      stored: stored.instances.get(row.id) ?? [],
      lengths: new Map((stored.scopes.get(row.id) ?? []).map(({ scopeId, length }) => [scopeId, length])),
      refusals: new Map((stored.conflicts.get(row.dagId) ?? []).map((conflict) => [conflict.taskId, describeAssetConflict(conflict)])),
      newId: () => state.parts.random.uuid(),
    });
    rememberRun(state, run);
    resumeTimers(state, run, plan);
    recoverRun(state, run, plan);
    expandLateMembers(state, run, plan);
    advanceRun(run, plan);
  }
}

/** Looks at every attempt of the run: one that nobody works on any more is taken back or counted as lost. */
export function recoverRun(state: SchedulerState, run: ActiveRun, plan: TickPlan): void {
  for (const task of Array.from(tasksOf(run))) {
    if (task.state !== 'queued' && task.state !== 'running' && task.state !== 'restarting') continue;
    const isAlive = state.parts.executor.holds(attemptOf(task)) || hasReport(state, task);
    if (task.state === 'restarting') {
      if (isAlive) state.parts.executor.cancel(attemptOf(task), 'the task instance was cleared');
      else restart(state, { run, task }, plan);
    } else if (!isAlive && task.state === 'queued') {
      noteSlots(state, task, -1);
      resetTask(run, task, plan);
    } else if (!isAlive) loseTask(state, { run, task }, plan);
  }
}

/** What a run waits for goes on waiting in this process. */
function resumeTimers(state: SchedulerState, run: ActiveRun, plan: TickPlan): void {
  const timeoutAt = timeoutOf(run);
  if (timeoutAt !== undefined) state.runTimeouts.add(timeoutAt, run);
  for (const task of tasksOf(run)) {
    if (task.state === 'scheduled') makeReady(run, task);
    if (task.state === 'up_for_retry' || task.state === 'up_for_reschedule') {
      plan.timers.push({ run, task, epoch: task.epoch, at: task.retryAt ?? plan.now });
    }
    if (task.state === 'deferred') addDeferralTimers(run, task, plan);
  }
}

function loseTask(state: SchedulerState, { run, task }: { run: ActiveRun; task: ActiveTask }, plan: TickPlan): void {
  const failure = { kind: 'lost', message: 'the process that ran this try is gone, and it reported no result' } as const;
  state.parts.log.warning('an attempt was lost', { ...attemptOf(task), dagId: run.row.dagId, runId: run.row.runId });
  endTry(state, { run, task }, { outcome: { result: 'failed', failure }, endedAt: plan.now, from: 'running' }, plan);
}

function hasReport(state: SchedulerState, task: ActiveTask): boolean {
  return state.reports.some(({ attempt }) => attempt.taskInstanceId === task.id && attempt.epoch === task.epoch);
}

interface StoredRuns {
  readonly instances: ReadonlyMap<string, StoredTaskInstance[]>;
  readonly events: ReadonlyMap<string, TriggeringEvent[]>;
  readonly scopes: ReadonlyMap<string, readonly { readonly scopeId: string; readonly length: number }[]>;
  readonly conflicts: ReadonlyMap<string, readonly OutletConflict[]>;
}

async function readStored(state: SchedulerState, rows: readonly ActiveDagRun[]): Promise<StoredRuns> {
  const ids = rows.map(({ id }) => id);
  const versions = [...new Set(rows.map(({ dagVersionId }) => dagVersionId))].filter((id) => !state.graphs.has(id));
  const [instances, events, dags, scopes, conflicts] = await state.parts.database.batch([
    selectTaskInstances(ids),
    selectTriggeringEvents(ids),
    selectDagVersions(versions),
    selectMappedScopes(ids),
    selectOutletConflicts([...new Set(rows.map(({ dagId }) => dagId))]),
  ]);
  for (const { id, serialized, file } of dags) state.graphs.set(id, compileDag(serialized, file));
  const triggering = events.map((event) => ({ dagRunId: event.dagRunId, event: triggeringEvent(event) }));
  return {
    instances: Map.groupBy(instances, ({ dagRunId }) => dagRunId),
    events: new Map(
      [...Map.groupBy(triggering, ({ dagRunId }) => dagRunId)].map(([id, list]) => [id, list.map(({ event }) => event)] as const),
    ),
    scopes: Map.groupBy(scopes, ({ dagRunId }) => dagRunId),
    conflicts: Map.groupBy(conflicts, ({ dagId }) => dagId),
  };
}

function triggeringEvent(row: {
  assetName: string;
  occurredAt: number;
  extra: string;
  eventId: string | null;
  eventSource: string | null;
  eventType: string | null;
}): TriggeringEvent {
  const { assetName, occurredAt, extra, eventId, eventSource, eventType } = row;
  const source = eventId === null || eventSource === null ? undefined : { id: eventId, source: eventSource, type: eventType ?? '' };
  return {
    assetName,
    timestamp: new Date(occurredAt).toISOString(),
    extra: decodeJson(extra),
    ...(source === undefined ? {} : { source }),
  };
}
