import type { SerializedDag } from '@tradewind/protocol';

/** Ids of the tasks of a group, those in the groups inside of it included; empty for a group that there is not. */
export function tasksOfGroup({ tasks, groups = [] }: SerializedDag, groupId: string): readonly string[] {
  const parents = new Map(groups.map((group) => [group.groupId, group.parentId]));
  const isInside = (innermost: string | undefined): boolean => {
    for (let group = innermost; group !== undefined; group = parents.get(group)) if (group === groupId) return true;
    return false;
  };
  return tasks.flatMap((task) => (isInside(task.groupId) ? [task.taskId] : []));
}
