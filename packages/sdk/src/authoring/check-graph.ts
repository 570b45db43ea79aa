import { DefinitionError } from '../errors.ts';
import type { AuthoredTask } from './read-task-spec.ts';

/**
 * Checks that ids are unique and that the tasks can be put in an order. Refs exist only for tasks that were added before, so neither fault can
 * be written in plain code; a getter that adds tasks while a spec is read can still bring it about.
 * @throws DefinitionError naming the tasks
 */
export function checkGraph(where: string, tasks: readonly Pick<AuthoredTask, 'taskId' | 'upstream'>[]): void {
  const waitingFor = new Map(tasks.map(({ taskId, upstream }) => [taskId, new Set(upstream)]));
  if (waitingFor.size < tasks.length)
    throw new DefinitionError(where, 'two tasks have one id; add no task while the spec of another is read');
  const downstream = Map.groupBy(
    tasks.flatMap(({ taskId, upstream }) => upstream.map((above) => ({ above, taskId }))),
    ({ above }) => above,
  );
  const ready = tasks.filter(({ upstream }) => upstream.length === 0).map(({ taskId }) => taskId);
  for (let taskId = ready.pop(); taskId !== undefined; taskId = ready.pop()) {
    waitingFor.delete(taskId);
    for (const { taskId: below } of downstream.get(taskId) ?? []) {
      const rest = waitingFor.get(below);
      rest?.delete(taskId);
      if (rest?.size === 0) ready.push(below);
    }
  }
  if (waitingFor.size === 0) return;
  const names = [...waitingFor.keys()].slice(0, 5).map((taskId) => `"${taskId}"`);
  throw new DefinitionError(where, `tasks ${names.join(', ')} wait for each other; remove one edge of the cycle`);
}
