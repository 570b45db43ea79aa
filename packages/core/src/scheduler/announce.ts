import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/** Tells whoever watches what a tick has committed. Comes after the dispatch: nothing waits for a watcher. */
export function announceTick(state: SchedulerState, plan: TickPlan): void {
  const { observe } = state.parts;
  for (const { run, task } of plan.started) observe({ ...describe({ run, task }), state: 'running' });
  for (const { run, task, row } of plan.finished) {
    observe({
      ...describe({ run, task }),
      state: row.state,
      ...(task.startedAt === null ? {} : { durationMs: row.endedAt - task.startedAt }),
      ...(row.failure === null ? {} : { reason: (JSON.parse(row.failure) as { message: string }).message }),
    });
  }
  for (const { run, task, row } of plan.settled) observe({ ...describe({ run, task }), state: row.state });
  for (const { run, state: ended } of plan.finishedRuns) {
    observe({ type: 'dag_run', dagId: run.row.dagId, runId: run.row.runId, runType: run.row.runType, state: ended });
  }
}

function describe({ run, task }: TaskOfRun) {
  const { taskId } = task.node.graph.task;
  return {
    type: 'task_instance',
    dagId: run.row.dagId,
    runId: run.row.runId,
    taskId,
    ...(task.mapIndex === -1 ? {} : { mapIndex: task.mapIndex }),
    tryNumber: task.tryNumber,
  } as const;
}
