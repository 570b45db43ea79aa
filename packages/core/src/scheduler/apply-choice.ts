import { decideSkips } from '@tradewind/protocol';
import { relevantInstances, type ActiveRun, type ActiveTask } from './run-state.ts';

/**
 * Marks the task instances that a finished one has chosen against; they are skipped whenever they are decided, also when they are cleared later. A choice inside a mapped group is about
 * its own map index, and about nothing outside of the group.
 *
 * @returns those that were marked now
 */
export function markSkippedByChoice(run: ActiveRun, task: ActiveTask): ActiveTask[] {
  if (task.decision === null) return [];
  const { scope } = task.node;
  const isInGroup = scope?.graph.kind === 'group';
  const marked: ActiveTask[] = [];
  for (const place of decideSkips(run.graph, task.node.graph.index, task.decision)) {
    const below = run.nodes[place];
    if (below === undefined || (isInGroup && below.scope !== scope)) continue;
    for (const instance of isInGroup ? relevantInstances(below, task) : below.instances) {
      if (instance.isSkippedByChoice) continue;
      instance.isSkippedByChoice = true;
      marked.push(instance);
    }
  }
  return marked;
}
