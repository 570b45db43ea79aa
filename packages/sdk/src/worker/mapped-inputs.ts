import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { createMappedValues } from '../authoring/mapped-values.ts';

/** The inputs of a task that are the values of all task instances of a mapped task, or of one inside of a mapped group that the task is not in. */
export function findMappedInputs({ tasks, groups = [] }: Pick<SerializedDag, 'tasks' | 'groups'>, task: SerializedTask): readonly string[] {
  const own = mappedGroupOf(groups, task.groupId);
  return Object.entries(task.inputs).flatMap(([name, binding]) => {
    const above = binding.kind === 'xcom' ? tasks.find(({ taskId }) => taskId === binding.taskId) : undefined;
    if (above === undefined) return [];
    const group = mappedGroupOf(groups, above.groupId);
    return above.expand !== undefined || (group !== undefined && group !== own) ? [name] : [];
  });
}

/** Hands the lists among a task's inputs out as mapped values. What is missing stays missing. */
export function wrapMappedInputs(inputs: Readonly<Record<string, unknown>>, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (names.length === 0) return inputs;
  const wrapped = names.flatMap((name) => {
    const values: unknown = inputs[name];
    return Array.isArray(values) ? [[name, createMappedValues(values as readonly unknown[])] as const] : [];
  });
  return { ...inputs, ...Object.fromEntries(wrapped) };
}

function mappedGroupOf(groups: NonNullable<SerializedDag['groups']>, innermost: string | undefined): string | undefined {
  let group = groups.find(({ groupId }) => groupId === innermost);
  while (group !== undefined && group.expand === undefined) {
    const { parentId } = group;
    group = groups.find(({ groupId }) => groupId === parentId);
  }
  return group?.groupId;
}
