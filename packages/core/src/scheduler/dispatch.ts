import type { TryContext, Workload } from '@tradewind/protocol';
import { selectReturnValues } from '../store/active-runs.ts';
import { attemptOf } from './active-run.ts';
import type { ActiveRun, ActiveTask } from './run-state.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/**
 * Hands the attempts that a tick has queued to the executor. Comes after the commit: a crash before leaves queued rows that nobody holds, which recovery
 * takes back; a crash after is the death of a worker.
 */
export async function dispatchQueued(state: SchedulerState, plan: TickPlan): Promise<void> {
  await recallValues(state, plan.queued);
  for (const queued of plan.queued) {
    const workload = workloadOf(state, queued);
    if (workload === undefined) continue;
    state.inFlight += 1;
    state.parts.executor.dispatch(workload);
  }
}

/** Reads the inputs that memory does not hold: large values, and those from before this process started. */
async function recallValues(state: SchedulerState, queued: readonly TaskOfRun[]): Promise<void> {
  const missing = queued.flatMap(({ run, task }) =>
    upstreamOfInputs(run, task)
      .filter((source) => source.state === 'success' && source.valueJson === undefined)
      .map((source) => ({ run, source, dagRunId: run.row.id, taskId: taskIdOf(run, source) })),
  );
  if (missing.length === 0) return;
  const [values] = await state.parts.database.batch([selectReturnValues(missing.map(({ dagRunId, taskId }) => ({ dagRunId, taskId })))]);
  const found = new Map(values.map(({ dagRunId, taskId, value }) => [`${dagRunId}\n${taskId}`, value]));
  for (const { source, dagRunId, taskId } of missing) source.valueJson = found.get(`${dagRunId}\n${taskId}`) ?? 'null';
}

function workloadOf(state: SchedulerState, { run, task }: TaskOfRun): Workload | undefined {
  const node = run.graph.tasks[task.index];
  if (node === undefined) return undefined;
  const { executionTimeoutMs, isolation } = node.task;
  return {
    attempt: attemptOf(task),
    code: state.parts.locateCode(run.graph.file, run.row.bundleVersion),
    context: contextOf(run, task),
    inputsJson: inputsOf(run, task),
    isolation,
    ...(executionTimeoutMs === undefined ? {} : { executionTimeoutMs }),
  };
}

function contextOf(run: ActiveRun, task: ActiveTask): TryContext {
  const { row } = run;
  return {
    dagId: row.dagId,
    runId: row.runId,
    taskId: taskIdOf(run, task),
    mapIndex: -1,
    tryNumber: task.tryNumber,
    maxTries: task.maxTries,
    logicalDate: instant(row.logicalAt),
    dataIntervalStart: instant(row.intervalStartAt),
    dataIntervalEnd: instant(row.intervalEndAt),
    runAfter: new Date(row.runAfterAt).toISOString(),
    params: run.params,
    triggeringEvents: run.events,
  };
}

/** The JSON text of each input. Under a lenient trigger rule the value of an upstream task that did not succeed is missing, and so is the input. */
function inputsOf(run: ActiveRun, task: ActiveTask): Record<string, string> {
  const inputs: Record<string, string> = {};
  for (const [name, binding] of Object.entries(run.graph.tasks[task.index]?.task.inputs ?? {})) {
    if (binding.kind === 'literal') {
      inputs[name] = JSON.stringify(binding.value);
      continue;
    }
    const source = run.tasks[run.graph.indexOf.get(binding.taskId) ?? -1];
    if (source?.valueJson !== undefined) inputs[name] = source.valueJson;
  }
  return inputs;
}

function upstreamOfInputs(run: ActiveRun, task: ActiveTask): ActiveTask[] {
  return Object.values(run.graph.tasks[task.index]?.task.inputs ?? {}).flatMap((binding) => {
    const source = binding.kind === 'xcom' ? run.tasks[run.graph.indexOf.get(binding.taskId) ?? -1] : undefined;
    return source === undefined ? [] : [source];
  });
}

function taskIdOf(run: ActiveRun, task: ActiveTask): string {
  return run.graph.tasks[task.index]?.task.taskId ?? '';
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
