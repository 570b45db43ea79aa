import { decodeJson, type Resumption, type TriggerEvent } from '@tradewind/protocol';
import { createTriggers, type NewTrigger } from '../store/transitions/create-triggers.ts';
import { fireDagRunTriggers, selectAwaitedRuns, selectFiredTriggers } from '../store/transitions/fire-triggers.ts';
import { attemptOf, resumeTask } from './move-task.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';
import type { TickStatement } from './tick-statement.ts';

/** Most triggers whose task instances go on in one tick; the rest follow in the next ones. */
const MOST_FIRED = 200;

/** The part of a tick that has deferred task instances waited for: a row for each trigger but timers, which are in memory. In the transaction of the deferral, after it. */
export function triggerStatements({ now, deferred }: TickPlan): TickStatement[] {
  const triggers = deferred.flatMap(({ task, deferral: { trigger } }): NewTrigger[] =>
    trigger.kind === 'timer' ? [] : [{ ...attemptOf(task), trigger }],
  );
  return triggers.length === 0 ? [] : [{ step: 'triggers', statement: createTriggers(now, triggers) }];
}

/** After the commit: what it has made worth a look. */
export function noteTriggers({ triggerWatch }: SchedulerState, { deferred, finishedRuns }: TickPlan): void {
  if (deferred.some(({ deferral }) => deferral.trigger.kind === 'dag_run')) {
    triggerWatch.areRunsAwaited = true;
    triggerWatch.mayHaveFired = true;
  }
  if (finishedRuns.length > 0 && triggerWatch.areRunsAwaited) triggerWatch.mayHaveFired = true;
}

/**
 * Lets the task instances go on whose triggers have fired, a bounded portion at a time. Triggers that wait for runs are fired here, by how those runs stand. One whose run is just being read again is
 * found by the next round of recovery.
 */
export async function resumeFired(state: SchedulerState, plan: TickPlan): Promise<void> {
  const { triggerWatch, parts } = state;
  if (!triggerWatch.mayHaveFired) return;
  const [, fired, [awaited]] = await parts.database.batch([
    fireDagRunTriggers(plan.now),
    selectFiredTriggers(state.term, MOST_FIRED),
    selectAwaitedRuns(),
  ]);
  triggerWatch.mayHaveFired = fired.length === MOST_FIRED;
  triggerWatch.areRunsAwaited = awaited !== undefined;
  for (const { taskInstanceId, epoch, event } of fired) {
    const target = state.byTaskInstance.get(taskInstanceId);
    if (target?.task.state !== 'deferred' || target.task.epoch !== epoch) continue;
    const resumption: Resumption = {
      stateJson: target.task.deferral?.stateJson ?? 'null',
      event: decodeJson(event) as unknown as TriggerEvent,
    };
    resumeTask(target.run, target.task, JSON.stringify(resumption), plan);
  }
}
