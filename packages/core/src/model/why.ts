import { isFinishedTaskInstanceState, type FinishedTaskInstanceState } from '@tradewind/protocol';
import { dagGates, failedAbove, findSkipper, instant, nameOf, readinessOf, runGates, taskGates, type Gate } from './why-gates.ts';
import type { DagFacts, RunFacts, TaskFacts } from './why-facts.ts';

/** Why something does not run, or what became of it. */
export interface Explanation {
  readonly sentence: string;
  /** Everything that must hold, in the order in which it is asked. */
  readonly gates: readonly Gate[];
}

/** Explains a task instance in one sentence: the first thing that keeps it from running, or how it ended. */
export function explainTaskInstance(facts: TaskFacts): Explanation {
  const gates = taskGates(facts);
  return { sentence: `${nameOf(facts.asked)} ${describeTask(facts, gates)}.`, gates };
}

/** Explains a run that nobody asks a task about. */
export function explainRun(dag: DagFacts, run: RunFacts): Explanation {
  const gates = runGates(dag, run);
  return { sentence: `${run.runId} ${describeRun(run, gates)}.`, gates };
}

/** Explains when a dag will run next, and what keeps it from it. */
export function explainDag(dag: DagFacts): Explanation {
  const gates = dagGates(dag);
  const closed = firstClosed(gates);
  return { sentence: closed === undefined ? `${dag.dagId} ${describeNextRun(dag)}.` : `${dag.dagId} does not run: ${closed.text}.`, gates };
}

function describeTask(facts: TaskFacts, gates: readonly Gate[]): string {
  const { asked } = facts;
  const { state } = asked;
  if (isFinishedTaskInstanceState(state)) return describeEnd(facts, state);
  if (asked.state === 'running') return `runs, in try ${asked.tryNumber} of ${asked.maxTries}${since(asked.startedAt)}`;
  if (asked.state === 'restarting') return 'was cleared while it ran, and begins again when its code has stopped';
  if (facts.run.state !== 'running') return `waits: ${describeRunState(facts)}`;
  const decided = asked.state === 'none' ? readinessOf(facts) : 'run';
  if (decided === 'skipped' || decided === 'upstream_failed') return `is about to become ${decided}: ${firstClosedUpstream(gates)}`;
  const closed = firstClosed(gates);
  return closed === undefined ? 'is about to be queued: everything that must hold does' : `waits: ${closed.text}`;
}

function describeEnd(facts: TaskFacts, state: FinishedTaskInstanceState): string {
  const { asked } = facts;
  const at = asked.endedAt === null ? '' : ` at ${instant(asked.endedAt)}`;
  switch (state) {
    case 'success':
      return `does not run because it has succeeded${at}`;
    case 'failed':
      return `failed${at} in try ${asked.tryNumber} of ${asked.maxTries}: ${asked.failure?.message ?? 'nothing is known of the reason'}`;
    case 'upstream_failed':
      return `could not run: ${failedAbove(facts) || 'a task above'} came first`;
    case 'skipped': {
      const skipper = findSkipper(facts);
      return `was skipped${at}${skipper === undefined ? '' : `: ${skipper} did not choose it`}`;
    }
    case 'removed':
      return 'was removed: the run has no such task, or no such map index, any more';
  }
}

function describeRunState({ dag, run }: TaskFacts): string {
  if (run.state !== 'queued') return `run ${run.runId} is ${run.state}`;
  const closed = firstClosed(runGates(dag, run));
  return closed === undefined ? `run ${run.runId} is about to start` : `run ${run.runId} has not started, because ${closed.text}`;
}

function describeRun(run: RunFacts, gates: readonly Gate[]): string {
  switch (run.state) {
    case 'success':
    case 'failed': {
      const at = run.endedAt === null ? '' : ` at ${instant(run.endedAt)}`;
      const reason = run.endReason === null ? '' : ` (${run.endReason})`;
      return `${run.state === 'success' ? 'succeeded' : 'failed'}${at}${reason}`;
    }
    case 'running':
      return `runs${since(run.startedAt)}`;
    case 'queued': {
      const closed = firstClosed(gates);
      return closed === undefined ? 'is about to start: everything that must hold does' : `waits: ${closed.text}`;
    }
  }
}

function describeNextRun({ nextRunAt, schedule, dagId, now }: DagFacts): string {
  if (nextRunAt !== null) return nextRunAt > now ? `is due next at ${instant(nextRunAt)} (${schedule ?? 'its schedule'})` : 'is due now';
  if (schedule !== null) return `waits for what starts it: ${schedule}`;
  return `is started by nobody but you: "tradewind dags trigger ${dagId}"`;
}

function firstClosed(gates: readonly Gate[]): Gate | undefined {
  return gates.find(({ isMet }) => !isMet);
}

function firstClosedUpstream(gates: readonly Gate[]): string {
  const upstream = gates.find(({ kind, isMet }) => !isMet && (kind === 'choice' || kind === 'setups' || kind === 'trigger_rule'));
  return upstream?.text ?? 'its rule cannot hold any more';
}

function since(at: number | null): string {
  return at === null ? '' : ` since ${instant(at)}`;
}
