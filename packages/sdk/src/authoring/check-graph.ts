import { DefinitionError } from '../errors.ts';
import type { AuthoredTask, OpenDag } from './open-dag.ts';

/**
 * Checks what only the whole dag shows: that the tasks can be put in an order, and that every choice of a branch is followed. Refs exist only for tasks that
 * were added before, so a cycle takes a scope whose teardown came first.
 * @returns the tasks in an order in which each comes after those that it waits for; otherwise as they were added
 * @throws DefinitionError naming the tasks
 */
export function checkGraph(where: string, { tasks }: Pick<OpenDag, 'tasks'>): readonly AuthoredTask[] {
  const order = sortTasks(where, tasks);
  checkChoices(where, order);
  return order;
}

/** Takes the tasks one after the other, each after those above it. A loop and no recursion, so that a chain of 10,000 tasks is as good as any. */
function sortTasks(where: string, tasks: ReadonlyMap<string, AuthoredTask>): AuthoredTask[] {
  const sorted = new Set<AuthoredTask>();
  for (const task of tasks.values()) {
    const trail = [{ task, above: [...task.upstream] }];
    const onTrail = new Set([task]);
    for (let last = trail.at(-1); last !== undefined; last = trail.at(-1)) {
      const next = tasks.get(last.above.shift() ?? '');
      if (next === undefined && last.above.length > 0) continue;
      if (next === undefined) {
        sorted.add(last.task);
        onTrail.delete(last.task);
        trail.pop();
      } else if (onTrail.has(next)) {
        throw circle(where, [...trail.map((step) => step.task.taskId), next.taskId]);
      } else if (!sorted.has(next)) {
        trail.push({ task: next, above: [...next.upstream] });
        onTrail.add(next);
      }
    }
  }
  return [...sorted];
}

const MAX_NAMED_TASKS = 10;

function circle(where: string, trail: readonly string[]): DefinitionError {
  const names = trail
    .slice(trail.indexOf(trail.at(-1) ?? ''))
    .toReversed()
    .slice(0, MAX_NAMED_TASKS);
  return new DefinitionError(
    where,
    `tasks wait for each other: ${names.map((taskId) => `"${taskId}"`).join(' → ')}; remove one edge of the cycle`,
  );
}

function checkChoices(where: string, tasks: readonly AuthoredTask[]): void {
  const followed = new Map<string, Set<string>>();
  for (const { followedOn } of tasks) {
    for (const [branchId, labels] of followedOn) followed.set(branchId, (followed.get(branchId) ?? new Set()).union(labels));
  }
  for (const { taskId, fields } of tasks) {
    if (fields.decision?.kind !== 'branch') continue;
    const unused = fields.decision.choices.find((label) => followed.get(taskId)?.has(label) !== true);
    if (unused === undefined) continue;
    throw new DefinitionError(
      `${where}, task "${taskId}"`,
      `nobody follows its choice '${unused}'; name it, as in after: [${taskId}.choice('${unused}')], or take it out and return null where nothing is followed`,
    );
  }
}
