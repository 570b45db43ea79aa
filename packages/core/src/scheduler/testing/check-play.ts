/** What must be so whatever was decided: about attempts, limits and earlier runs. */
import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import type { ModelWorld } from './model-world.ts';
import { DRAWN_POOLS } from './random-dag.ts';
import { attemptName } from './reference-model.ts';
import { nameOf, type ObservedRun } from './reference-run.ts';

/** Runs by run id. */
export type ObservedRuns = ReadonlyMap<string, ObservedRun>;

/** A question about the run before another one. */
export interface PastQuestion {
  readonly dag: SerializedDag;
  readonly logicalAt: ReadonlyMap<string, number>;
  readonly runId: string;
  readonly task: SerializedTask;
}

/** What Airflow asks of the run before: there is none, or the task there, and where wanted what comes directly after it, has succeeded or was skipped. */
export function isPastMet({ dag, logicalAt, runId, task }: PastQuestion, observed: ObservedRuns): boolean {
  const own = logicalAt.get(runId) ?? 0;
  const earlier = [...observed]
    .filter(([id]) => (logicalAt.get(id) ?? 0) < own)
    .toSorted(([one], [other]) => (logicalAt.get(other) ?? 0) - (logicalAt.get(one) ?? 0));
  const [last] = earlier;
  if (last === undefined) return true;
  const hasTask = ({ instances }: ObservedRun): boolean => instances.some(({ taskId }) => taskId === task.taskId);
  if (task.ignoreFirstDependsOnPast === true && !earlier.some(([, run]) => hasTask(run))) return true;
  const isAsked = (taskId: string): boolean =>
    taskId === task.taskId ||
    (task.waitForDownstream === true && dag.tasks.some((below) => below.taskId === taskId && below.upstream.includes(task.taskId)));
  return (
    hasTask(last[1]) &&
    last[1].instances.every(({ taskId, state }) => !isAsked(taskId) || state === 'success' || state === 'skipped' || state === 'removed')
  );
}

/** Each attempt is handed over once (those before `seenDispatches` were looked at), and whatever is queued or running is in somebody's hands. */
export function checkAttempts(world: ModelWorld, observed: ObservedRuns, seenDispatches: number): string[] {
  const problems: string[] = [];
  const names = world.dispatched.map(({ taskInstanceId, epoch }) => attemptName({ id: taskInstanceId, epoch }));
  for (const name of names.slice(seenDispatches))
    if (names.indexOf(name) !== names.lastIndexOf(name)) problems.push(`the attempt ${name} was handed over twice`);
  const held = new Set(world.held.map(({ workload: { attempt } }) => attemptName({ id: attempt.taskInstanceId, epoch: attempt.epoch })));
  for (const { instances } of observed.values()) {
    for (const instance of instances) {
      if ((instance.state === 'queued' || instance.state === 'running') && !held.has(attemptName(instance)))
        problems.push(`${nameOf(instance)} is ${instance.state}, and nobody works on it`);
    }
  }
  return problems;
}

/** Slots of pools and limits of runs, tasks and dag are never exceeded. */
export function checkLimits(dag: SerializedDag, observed: ObservedRuns): string[] {
  const problems: string[] = [];
  const tally = new Map<string, { used: number; most: number }>();
  const count = (name: string, slots: number, most: number | undefined): void => {
    if (most === undefined) return;
    const entry = tally.get(name) ?? { used: 0, most };
    entry.used += slots;
    tally.set(name, entry);
  };
  for (const [runId, { state, instances }] of observed) {
    if (state === 'running') count('the dag', 1, dag.maxActiveRuns);
    for (const instance of instances) {
      if (!['queued', 'running', 'restarting'].includes(instance.state)) continue;
      const task = dag.tasks.find(({ taskId }) => taskId === instance.taskId);
      count(`run ${runId}`, 1, dag.maxActiveTasks);
      count(`pool ${task?.pool}`, task?.poolSlots ?? 1, DRAWN_POOLS[task?.pool ?? '']);
      count(`task ${instance.taskId} in all runs`, 1, task?.maxActiveTisPerDag);
      count(`task ${instance.taskId} of ${runId}`, 1, task?.maxActiveTisPerDagrun);
    }
  }
  for (const [name, { used, most }] of tally) if (used > most) problems.push(`${name} has ${used} at work, more than ${most}`);
  return problems;
}
