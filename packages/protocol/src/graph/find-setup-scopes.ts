import type { SerializedTask } from '../serialized-task.ts';
import type { Neighbours } from './count-weights.ts';
import { reachableFrom } from './walk-graph.ts';

/** Who depends on which setups without naming them. */
export interface SetupScopes {
  /** By place of a task: the setups further up that must have succeeded. */
  readonly indirectSetups: ReadonlyMap<number, readonly number[]>;
  /** By place of a setup: those tasks. */
  readonly coveredBy: ReadonlyMap<number, readonly number[]>;
}

/**
 * Finds the work of each setup: the tasks below it that come before one of its teardowns, or all tasks below it where nothing takes it away (Airflow's
 * `get_upstreams_only_setups`). Direct downstream tasks depend on it anyway, and a teardown has its own rule.
 */
export function findSetupScopes(
  tasks: readonly SerializedTask[],
  { upstream, downstream, places }: Neighbours & { readonly places: (ids: readonly string[]) => readonly number[] },
): SetupScopes {
  const indirectSetups = new Map<number, number[]>();
  const coveredBy = new Map<number, number[]>();
  tasks.forEach((setup, place) => {
    if (setup.role !== 'setup') return;
    const below = reachableFrom([place], (from) => downstream[from] ?? []);
    const teardowns = tasks.flatMap((task, index) =>
      task.role === 'teardown' && places(task.setups ?? []).includes(place) ? [index] : [],
    );
    const before = reachableFrom(teardowns, (from) => upstream[from] ?? []);
    const direct = new Set(downstream[place]);
    const work = [...below].filter(
      (index) => tasks[index]?.role !== 'teardown' && !direct.has(index) && (teardowns.length === 0 || before.has(index)),
    );
    if (work.length > 0) coveredBy.set(place, work);
    for (const index of work) indirectSetups.set(index, [...(indirectSetups.get(index) ?? []), place]);
  });
  return { indirectSetups, coveredBy };
}
