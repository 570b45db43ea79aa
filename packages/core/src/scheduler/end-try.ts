import { countElements, decodeJson, DEFAULT_MAX_MAP_LENGTH, type TryOutcome } from '@tradewind/protocol';
import { decideTryEnd } from '../model/try-end.ts';
import { decideTask, finishRunIfDone, spreadEnd } from './decide-task.ts';
import { endRunOnFailure, timeoutOf } from './halt-run.ts';
import { attemptOf, endTask, restartTask } from './move-task.ts';
import { retryDelayOf } from './retry-delay-of.ts';
import { isOccupying } from './run-state.ts';
import { noteSlots, type SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/** Larger values are read again from the database when a task needs them. */
const MAX_REMEMBERED_VALUE_LENGTH = 16_384;

/**
 * Ends the try of a task instance in memory and enters the end into the plan, with everything that follows.
 * @param from what the task instance was: running, or deferred for longer than it wanted to be
 */
export function endTry(
  state: SchedulerState,
  { run, task }: TaskOfRun,
  ended: { outcome: TryOutcome; endedAt: number; from: 'running' | 'deferred' },
  plan: TickPlan,
): void {
  const { endedAt, from } = ended;
  const outcome = checkMappable(state, { run, task }, ended.outcome);
  const end = decideTryEnd({ ...task, retryDelayMs: retryDelayOf(run, task) }, outcome, endedAt);
  const { failure, decision, deferral, ...rest } = end;
  plan.finished.push({
    run,
    task,
    row: {
      ...attemptOf(task),
      ...rest,
      from,
      endedAt,
      failure: jsonOrNull(failure),
      decision: jsonOrNull(decision),
      deferral: jsonOrNull(deferral),
    },
  });
  if (outcome.result === 'success') {
    plan.values.push({ ...attemptOf(task), value: outcome.valueJson });
    const isMappedOver = run.scopes.some(({ graph, length }) => length === undefined && graph.sources.includes(task.node.graph.index));
    if (isMappedOver || outcome.valueJson.length <= MAX_REMEMBERED_VALUE_LENGTH) task.valueJson = outcome.valueJson;
    if (outcome.events.length > 0) plan.emitted.push({ run, task, events: outcome.events });
  }
  if (isOccupying(task)) noteSlots(state, task, -1);
  if (endTask(run, task, end, plan)) {
    spreadEnd(run, task, plan);
    if (end.state === 'failed') endRunOnFailure(state, { run, task }, plan);
    state.pastChanged.add(run.row.dagId);
    finishRunIfDone(run, plan);
  }
}

/** What ran of a cleared task instance has ended: it is decided anew, or ends with its run where that has waited for nothing else. */
export function restart(state: SchedulerState, { run, task }: TaskOfRun, plan: TickPlan): void {
  noteSlots(state, task, -1);
  restartTask(run, task, plan);
  const timeoutAt = timeoutOf(run);
  if (timeoutAt !== undefined && timeoutAt <= plan.now) {
    state.runTimeouts.add(timeoutAt, run);
    return;
  }
  decideTask(run, task, plan);
  finishRunIfDone(run, plan);
}

/** A value that a mapped task runs over must be a list or an object, and not longer than configured (Airflow fails the producer, too). */
function checkMappable({ parts }: SchedulerState, { run, task }: TaskOfRun, outcome: TryOutcome): TryOutcome {
  const { graph, scope } = task.node;
  if (outcome.result !== 'success' || scope !== undefined) return outcome;
  const reader = run.scopes.find(({ graph: mapped }) => mapped.sources.includes(graph.index));
  if (reader === undefined) return outcome;
  const length = countElements(decodeJson(outcome.valueJson));
  const most = parts.maxMapLength ?? DEFAULT_MAX_MAP_LENGTH;
  if (length !== undefined && length <= most) return outcome;
  const problem =
    length === undefined ? 'is neither a list nor an object' : `has ${length} elements, and at most ${most} are allowed (max_map_length)`;
  return { result: 'failed', failure: { kind: 'bad_value', message: `the value that ${reader.graph.id} is mapped over ${problem}` } };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
