/** I5: nothing is decided before its rule holds, nor otherwise than the rule says. */
import type { TaskInstanceState } from '@tradewind/protocol';
import { isPastMet } from '../packages/core/src/scheduler/testing/check-play.ts';
import { asksPast, rightDecisions } from '../packages/core/src/scheduler/testing/reference-decisions.ts';
import { scopeOf } from '../packages/core/src/scheduler/testing/reference-dag.ts';
import { lengthOfScope, nameOf, taskOf, type Asked, type ReferenceLength } from '../packages/core/src/scheduler/testing/reference-run.ts';
import type { Decision } from '../packages/core/src/scheduler/testing/reference-rules.ts';
import type { KnownRun, KnownTask } from './known-run.ts';

/** What a transaction decided about a task instance of which nothing was decided. */
export interface Decided {
  readonly task: KnownTask;
  readonly next: TaskInstanceState;
}

/** Says what is wrong with a decision; undefined where it was right at some moment of the transaction. */
export function findWrongDecision({ task, next }: Decided, runsOfDag: () => readonly KnownRun[]): string | undefined {
  const { run } = task;
  const asked: Asked = { dag: run.dag, run, facts: run.facts };
  const decisions = rightDecisions(asked, task, (other) => (other as KnownTask).stateBefore ?? other.state);
  const allowed = decisions.flatMap((decision) => statesAfter(asked, task, decision));
  const scope = scopeOf(run.dag, taskOf(run.dag, task));
  const length = scope === undefined ? undefined : run.lengths.get(scope.id);
  if (length === 0) allowed.push('skipped');
  if (length !== undefined && task.mapIndex >= length) allowed.push('removed');
  if (isHalting(run)) allowed.push('skipped');
  if (!allowed.includes(next)) return `${nameOf(task)} of ${run.id} became ${next}; the rules allow ${allowed.join(', ') || 'nothing'}`;
  return next === 'scheduled' ? findUnmetPast(task, runsOfDag) : undefined;
}

/** Whether the first failure of a dag that wants no second has happened. */
export function isHalting({ dag, instances }: KnownRun): boolean {
  return dag.failFast === true && instances.some((task) => task.state === 'failed' && taskOf(dag, task).role !== 'teardown');
}

/** How many task instances a mapped task must have, as far as its lists are there. */
export function lengthOfTask({ dag, run, facts }: Asked, task: KnownTask): ReferenceLength {
  const scope = scopeOf(dag, taskOf(dag, task));
  return scope === undefined ? undefined : lengthOfScope({ dag, run, facts }, scope);
}

function statesAfter(asked: Asked, task: KnownTask, decision: Decision): TaskInstanceState[] {
  if (decision === 'wait') return [];
  if (decision !== 'run') return [decision];
  const authored = taskOf(asked.dag, task);
  const scope = scopeOf(asked.dag, authored);
  if (scope !== undefined && !asked.run.lengths.has(scope.id)) {
    const length = lengthOfScope(asked, scope);
    if (length === 'missing') return ['upstream_failed'];
    return length === 'ill' ? ['failed'] : [];
  }
  return authored.operator === 'empty' || authored.decision?.kind === 'latest_only' ? ['success'] : ['scheduled'];
}

function findUnmetPast(task: KnownTask, runsOfDag: () => readonly KnownRun[]): string | undefined {
  const { run } = task;
  const authored = taskOf(run.dag, task);
  if (!asksPast(authored, 'run')) return undefined;
  const runs = runsOfDag();
  const question = {
    dag: run.dag,
    runId: run.id,
    task: authored,
    logicalAt: new Map(runs.map(({ id, logicalAt }) => [id, logicalAt ?? 0])),
  };
  if (isPastMet(question, new Map(runs.map((other) => [other.id, other])))) return undefined;
  return `${nameOf(task)} of ${run.id} was scheduled before the run before had what it waits for`;
}
