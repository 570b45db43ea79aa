import { isFinishedTaskInstanceState } from '@tradewind/protocol';
import { instant, taskGates, type GateKind } from './why-gates.ts';
import type { TaskFacts } from './why-facts.ts';

/** A dependency that is not met, under Airflow's name for it where there is one. */
export interface FailedDependency {
  readonly name: string;
  readonly reason: string;
}

/** Airflow's names (`ti_deps/deps/*.py`), which people and scripts look for; where it has none, ours in the same style. */
const NAMES: Readonly<Record<GateKind, string>> = {
  definition: 'Dag Defined',
  pause: 'Dag Not Paused',
  scheduler: 'Scheduler Alive',
  due: 'Logical Date',
  active_runs: 'Max Active Dag Runs',
  run: 'Dagrun Running',
  setups: 'Setup Tasks Succeeded',
  choice: 'XCom Skipping',
  trigger_rule: 'Trigger Rule',
  expansion: 'Task has been mapped',
  past: 'Previous Dagrun State',
  retry: 'Not In Retry Period',
  event: 'Not Deferred',
  active_tasks: 'Max Active Tasks Per Dagrun',
  task_limit_in_run: 'Task Concurrency Per Dagrun',
  task_limit_in_dag: 'Task Concurrency',
  pool: 'Pool Slots Available',
  worker: 'Worker Available',
};

/** Everything that keeps a task instance from running; a state from which nothing is scheduled counts, as in Airflow. */
export function findFailedDependencies(facts: TaskFacts): readonly FailedDependency[] {
  const { asked } = facts;
  const isOver = isFinishedTaskInstanceState(asked.state) || asked.state === 'running' || asked.state === 'restarting';
  const at = asked.endedAt === null || !isFinishedTaskInstanceState(asked.state) ? '' : ` since ${instant(asked.endedAt)}`;
  const state = isOver
    ? [{ name: 'Task Instance State', reason: `the task is in the state '${asked.state}'${at}, from which it is not scheduled` }]
    : [];
  return [...state, ...taskGates(facts).flatMap(({ kind, isMet, text }) => (isMet ? [] : [{ name: NAMES[kind], reason: text }]))];
}
