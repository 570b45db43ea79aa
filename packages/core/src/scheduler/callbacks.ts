import { decodeJson, type CallbackSubject, type TaskCallback, type TryFailure } from '@tradewind/protocol';
import { callbackContextOf, callbackOfTryEnd } from '../model/callbacks.ts';
import {
  requestDagCallbacks,
  requestTaskCallbacks,
  type DagCallbackRequest,
  type TaskCallbackRequest,
} from '../store/transitions/request-callbacks.ts';
import { attemptOf } from './move-task.ts';
import type { EndedRun, TaskOfRun, TickPlan } from './tick-plan.ts';
import type { TickStatement } from './tick-statement.ts';

/**
 * The part of a tick that asks for the callbacks of tasks: of tries that have begun or ended in it, and of task instances that failed without one. In the transaction of those changes, after them, so that a
 * try that was lost with its worker is told of as any other.
 */
export function taskCallbackStatements(plan: TickPlan): TickStatement[] {
  const requests = [...startedRequests(plan), ...endedRequests(plan), ...settledRequests(plan)];
  return requests.length === 0 ? [] : [{ step: 'taskCallbacks', statement: requestTaskCallbacks(plan.now, requests) }];
}

/** The part of a tick that asks for the callbacks of runs that ended in it. In the transaction of that, after it. */
export function dagCallbackStatements({ now, finishedRuns }: TickPlan): TickStatement[] {
  const requests = finishedRuns.flatMap(requestOfRun);
  return requests.length === 0 ? [] : [{ step: 'dagCallbacks', statement: requestDagCallbacks(now, requests) }];
}

/** `execute` is asked for whenever a try enters its code, and made once: a try that goes on after a wait has its row already. */
function startedRequests({ started }: TickPlan): TaskCallbackRequest[] {
  return started.flatMap(({ run, task, row: { epoch } }) =>
    wants({ run, task }, 'execute')
      ? [{ ...attemptOf(task), epoch, kind: 'execute', state: null, context: contextOf({ run, task }, { state: 'running' }) }]
      : [],
  );
}

function endedRequests({ finished, reports }: TickPlan): TaskCallbackRequest[] {
  return finished.flatMap(({ run, task, row }) => {
    const kind = callbackOfTryEnd(row.state);
    if (kind === undefined || !wants({ run, task }, kind)) return [];
    const facts = { state: row.state, ...failureOf(row.failure), ...(kind === 'skipped' ? skipReasonOf(row, reports) : {}) };
    const context = contextOf({ run, task }, facts);
    return [{ taskInstanceId: row.taskInstanceId, epoch: row.epoch, kind, state: row.state, context }];
  });
}

function settledRequests({ settled }: TickPlan): TaskCallbackRequest[] {
  return settled.flatMap(({ run, task, row }) =>
    row.state === 'failed' && wants({ run, task }, 'failure')
      ? [
          {
            taskInstanceId: row.id,
            epoch: row.epoch,
            kind: 'failure',
            state: row.state,
            context: contextOf({ run, task }, { state: row.state, ...failureOf(row.failure) }),
          },
        ]
      : [],
  );
}

function requestOfRun({ run, state, reason }: EndedRun): DagCallbackRequest[] {
  const kind = state === 'success' ? 'success' : 'failure';
  if (run.graph.dag.callbacks?.includes(kind) !== true) return [];
  const subject: CallbackSubject = { of: 'dag', state, reason: reason ?? (state === 'success' ? 'success' : 'task_failure') };
  return [{ dagRunId: run.row.id, kind, state, context: JSON.stringify(callbackContextOf(run.row, run.params, subject)) }];
}

function wants({ task }: TaskOfRun, kind: TaskCallback): boolean {
  return task.node.graph.task.callbacks?.includes(kind) === true;
}

type TaskFacts = Pick<CallbackSubject & { readonly of: 'task' }, 'state' | 'failure' | 'skipReason'>;

function contextOf({ run, task }: TaskOfRun, facts: TaskFacts): string {
  const { taskId } = task.node.graph.task;
  const { mapIndex, tryNumber, maxTries } = task;
  return JSON.stringify(callbackContextOf(run.row, run.params, { of: 'task', taskId, mapIndex, tryNumber, maxTries, ...facts }));
}

function failureOf(failure: string | null): { readonly failure?: TryFailure } {
  return failure === null ? {} : { failure: decodeJson(failure) as unknown as TryFailure };
}

/** The reason is not part of the row; the report has it. */
function skipReasonOf(
  { taskInstanceId, epoch }: { readonly taskInstanceId: string; readonly epoch: number },
  reports: TickPlan['reports'],
): { readonly skipReason?: string } {
  for (const report of reports) {
    if (report.type !== 'ended' || report.outcome.result !== 'skipped') continue;
    if (report.attempt.taskInstanceId === taskInstanceId && report.attempt.epoch === epoch) return { skipReason: report.outcome.reason };
  }
  return {};
}
