import type { SerializedTask } from '@tradewind/protocol';
import type { Decision } from './reference-rules.ts';
import { decide, decisiveFor, type Asked, type ObservedInstance, type View } from './reference-run.ts';

/** With more changes at once than this, not every order of them is looked at. */
const MOST_ORDERED = 6;

/**
 * Every decision about a task instance that was right at some moment of a step: what changed in it changed one after the other, in an order that nobody promises, and a rule that decides early
 * may have seen any part of it.
 * @param stateBefore the states before the step; those after it are the run's
 */
export function rightDecisions(asked: Asked, instance: ObservedInstance, stateBefore: View): Decision[] {
  const changed = decisiveFor(asked, instance).filter((other) => other.state !== stateBefore(other));
  const orders = changed.length <= MOST_ORDERED ? everySubset(changed) : fewSubsets(changed);
  return [...new Set(orders.map((seen) => decide(asked, instance, (other) => (seen.has(other.id) ? other.state : stateBefore(other)))))];
}

/** Whether a decision about a task has to wait for earlier runs. */
export function asksPast(
  { dependsOnPast, waitForDownstream, waitForPastDependsBeforeSkipping }: SerializedTask,
  decision: Decision,
): boolean {
  if (dependsOnPast !== true && waitForDownstream !== true) return false;
  return decision === 'run' || (decision === 'skipped' && waitForPastDependsBeforeSkipping === true);
}

function everySubset(changed: readonly ObservedInstance[]): Set<string>[] {
  return Array.from(
    { length: 2 ** changed.length },
    (_, bits) => new Set(changed.filter((_each, place) => ((bits >> place) & 1) === 1).map(({ id }) => id)),
  );
}

/** None, one, two, all but one, all: what a rule that decides early may have seen. */
function fewSubsets(changed: readonly ObservedInstance[]): Set<string>[] {
  const ids = changed.map(({ id }) => id);
  return [
    new Set<string>(),
    new Set(ids),
    ...ids.map((id) => new Set([id])),
    ...ids.map((id) => new Set(ids.filter((other) => other !== id))),
    ...ids.flatMap((id, place) => ids.slice(place + 1).map((other) => new Set([id, other]))),
  ];
}
