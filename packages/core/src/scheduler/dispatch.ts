import type { AttemptReport, JsonObject, Resumption, TryContext, Workload } from '@tradewind/protocol';
import { decodeJson } from '@tradewind/protocol';
import { instantOrNull } from '../model/instant-text.ts';
import { readSources, sourcesOf } from './expand-scopes.ts';
import { attemptOf } from './move-task.ts';
import { recallValues, valueJsonOf, type WantedValues } from './recall-values.ts';
import { relevantInstances, type ActiveRun, type ActiveTask } from './run-state.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/**
 * Hands the attempts that a tick has queued to the executor. Comes after the commit: a crash before leaves queued rows that nobody holds, which recovery
 * takes back; a crash after is the death of a worker.
 */
export async function dispatchQueued(state: SchedulerState, plan: TickPlan): Promise<void> {
  const attempts = plan.queued.map((queued) => ({ queued, wanted: wantedBy(queued) }));
  const recalled = await recallValues(
    state,
    attempts.flatMap(({ wanted }) => wanted),
  );
  for (const { queued, wanted } of attempts) {
    const problem = recalled.problemOf(wanted);
    if (problem === undefined) {
      state.inFlight += 1;
      state.parts.executor.dispatch(workloadOf(state, queued));
    } else state.reports.push(endOfUnreadable(state, queued, problem));
  }
  recalled.forgetLarge();
}

/** A try whose inputs cannot be read fails as one whose code has failed: it may be retried, and the next one reads again. */
function endOfUnreadable({ parts }: SchedulerState, { task }: TaskOfRun, message: string): AttemptReport {
  return {
    type: 'ended',
    attempt: attemptOf(task),
    at: parts.clock.now(),
    outcome: { result: 'failed', failure: { kind: 'bad_value', message } },
  };
}

function workloadOf(state: SchedulerState, { run, task }: TaskOfRun): Workload {
  const { executionTimeoutMs, isolation } = task.node.graph.task;
  return {
    attempt: attemptOf(task),
    code: state.parts.locateCode(run.graph.file, run.row.bundleVersion),
    context: contextOf(run, task),
    inputsJson: inputsOf(run, task),
    isolation,
    ...(executionTimeoutMs === undefined ? {} : { executionTimeoutMs }),
    ...(task.resumption === null ? {} : { resumption: decodeJson(task.resumption) as unknown as Resumption }),
  };
}

function contextOf(run: ActiveRun, task: ActiveTask): TryContext {
  const { row } = run;
  return {
    dagId: row.dagId,
    runId: row.runId,
    taskId: task.node.graph.task.taskId,
    mapIndex: task.mapIndex,
    ...(task.mapIndex < 0 || task.node.scope?.length === undefined ? {} : { expandedCount: task.node.scope.length }),
    ...(task.mapIndexLabel === null ? {} : { mapIndexLabel: task.mapIndexLabel }),
    tryNumber: task.tryNumber,
    maxTries: task.maxTries,
    logicalDate: instantOrNull(row.logicalAt),
    dataIntervalStart: instantOrNull(row.intervalStartAt),
    dataIntervalEnd: instantOrNull(row.intervalEndAt),
    runAfter: new Date(row.runAfterAt).toISOString(),
    params: run.params,
    ...(task.firstStartedAt === null ? {} : { firstStartedAt: task.firstStartedAt }),
    ...(task.reschedules === 0 ? {} : { rescheduleCount: task.reschedules }),
    triggeringEvents: run.events,
  };
}

/** The tasks whose values a task instance is given. */
function wantedBy({ run, task }: TaskOfRun): WantedValues[] {
  const { scope, graph } = task.node;
  const named = Object.values(graph.task.inputs).flatMap((binding) =>
    binding.kind === 'xcom' ? [run.graph.indexOf.get(binding.taskId) ?? -1] : [],
  );
  const nodes = named.flatMap((place) => run.nodes[place] ?? []);
  const sources = scope === undefined || scope.sources !== undefined ? [] : sourcesOf(run, scope);
  return [...nodes, ...sources].map((node) => ({ run, node }));
}

/** The JSON text of each input. Under a lenient trigger rule the value of an upstream task that did not succeed is missing, and so is the input. */
function inputsOf(run: ActiveRun, task: ActiveTask): Record<string, string> {
  const { graph, scope } = task.node;
  const elements = elementsOf(run, task);
  const inputs: Record<string, string> = {};
  if (scope?.graph.kind === 'task') for (const [name, element] of Object.entries(elements)) inputs[name] = JSON.stringify(element);
  for (const [name, binding] of Object.entries(graph.task.inputs)) {
    const json =
      binding.kind === 'xcom'
        ? upstreamJson(run, task, binding.taskId)
        : JSON.stringify(binding.kind === 'literal' ? binding.value : elements[binding.name]);
    if (json !== undefined) inputs[name] = json;
  }
  return inputs;
}

/** What a task instance of a mapped task or group runs over. */
function elementsOf(run: ActiveRun, { node: { scope }, mapIndex }: ActiveTask): JsonObject {
  if (scope === undefined || mapIndex < 0) return {};
  if (scope.sources === undefined) {
    const sources = readSources(run, scope);
    if (sources.ok) scope.sources = sources;
  }
  return scope.sources?.inputsOf(mapIndex) ?? {};
}

function upstreamJson(run: ActiveRun, task: ActiveTask, taskId: string): string | undefined {
  const from = run.nodes[run.graph.indexOf.get(taskId) ?? -1];
  if (from === undefined) return undefined;
  const isSameGroup = from.scope !== undefined && from.scope === task.node.scope;
  if (!isSameGroup) return valueJsonOf(from);
  const [same] = relevantInstances(from, task);
  return same?.state === 'success' ? (same.valueJson ?? 'null') : undefined;
}
