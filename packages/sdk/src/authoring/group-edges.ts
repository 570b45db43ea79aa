import type { AuthoredTask, OpenDag } from './open-dag.ts';

/** The tasks among these that wait for none of the others: what is to come before all of them comes before these. */
export function rootsOf(dag: OpenDag, members: ReadonlySet<string>): AuthoredTask[] {
  return tasksOf(dag, members).filter(({ upstream }) => upstream.isDisjointFrom(members));
}

/** The tasks among these that none of the others waits for. */
export function leavesOf(dag: OpenDag, members: ReadonlySet<string>): string[] {
  const above = new Set(tasksOf(dag, members).flatMap(({ upstream }) => [...upstream]));
  return [...members].filter((taskId) => !above.has(taskId));
}

/**
 * What comes after a group waits for these: its leaves, but a teardown is looked through, so that nobody waits for the work to be taken away (Airflow,
 * `TaskGroup.get_leaves`). A group of nothing but setups and teardowns has its setups for leaves.
 */
export function groupLeaves(dag: OpenDag, members: ReadonlySet<string>): string[] {
  const tasks = tasksOf(dag, members);
  const teardowns = tasks.filter(({ fields }) => fields.role === 'teardown');
  const work = tasks.filter(({ fields }) => fields.role !== 'teardown');
  const aboveWork = new Set(work.flatMap(({ upstream }) => [...upstream]));
  const takenAway = new Set(teardowns.flatMap(({ fields }) => fields.setups ?? []));
  const leaves = work.filter(({ taskId }) => !aboveWork.has(taskId));
  const withoutSetups = leaves.filter(({ taskId }) => !takenAway.has(taskId));
  return (withoutSetups.length === 0 ? leaves : withoutSetups).map(({ taskId }) => taskId);
}

function tasksOf({ tasks }: OpenDag, members: ReadonlySet<string>): AuthoredTask[] {
  return [...members].flatMap((taskId) => tasks.get(taskId) ?? []);
}
