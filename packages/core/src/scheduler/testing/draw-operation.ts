import { DAG_RUN_OPERATIONS, TASK_INSTANCE_OPERATIONS } from '@tradewind/protocol';
import { planClear } from '../../model/clear.ts';
import { planDagRunMark, planMark, type MarkedState } from '../../model/mark.ts';
import type { FoundRun, RunChange } from '../../model/run-change.ts';
import type { Chance } from './chance.ts';
import { nameOf, type ObservedRun } from './reference-run.ts';

/** Something that somebody does to a run. */
export interface DrawnOperation {
  readonly text: string;
  readonly decide: (run: FoundRun) => RunChange;
}

/** Draws a clear or a mark around a task. */
export function drawOperation(chance: Chance, taskId: string): DrawnOperation {
  const relatives = { upstream: chance.happens(0.15), downstream: chance.happens(0.7) };
  const choice = chance.happens(0.7) ? { taskId } : { taskId, mapIndex: chance.between(0, 2) };
  const roll = chance.between(0, 99);
  if (roll < 35) {
    const state = chance.pick<MarkedState>(['success', 'failed', 'skipped']);
    const options = { tasks: [choice], state, upstream: false, downstream: false };
    return { text: `somebody marks ${JSON.stringify(choice)} as ${state}`, decide: (run) => planMark(run, options) };
  }
  if (roll < 42) {
    const state = chance.pick<'success' | 'failed'>(['success', 'failed']);
    return { text: `somebody marks the run as ${state}`, decide: (run) => planDagRunMark(run, state) };
  }
  const filters = { onlyFailed: chance.happens(0.15), onlyRunning: chance.happens(0.1) };
  const options = roll < 50 ? { ...filters, upstream: false, downstream: false } : { ...relatives, ...filters, tasks: [choice] };
  return { text: `somebody clears ${JSON.stringify(options)}`, decide: (run) => planClear(run, options) };
}

/** What an operation did that the tables of legal changes do not have. */
export function findIllegal(before: ObservedRun, after: ObservedRun): string[] {
  const problems: string[] = [];
  if (before.state !== after.state && !DAG_RUN_OPERATIONS[before.state].includes(after.state))
    problems.push(`somebody put the run from ${before.state} to ${after.state}`);
  for (const instance of after.instances) {
    const known = before.instances.find(({ id }) => id === instance.id);
    if (known === undefined || known.state === instance.state || TASK_INSTANCE_OPERATIONS[known.state].includes(instance.state)) continue;
    problems.push(`somebody put ${nameOf(instance)} from ${known.state} to ${instance.state}`);
  }
  return problems;
}
