import { DRAWN_POOLS } from '../packages/core/src/scheduler/testing/random-dag.ts';
import { taskOf } from '../packages/core/src/scheduler/testing/reference-run.ts';
import type { KnownTask } from './known-run.ts';

/** I7: what is at work at the same time, counted anew, and each limit that it breaks, in words. */
export function findBrokenLimits(atWork: Iterable<KnownTask>): readonly string[] {
  const used = new Map<string, { count: number; readonly most: number }>();
  const count = (name: string, slots: number, most: number | undefined): void => {
    if (most === undefined) return;
    const entry = used.get(name) ?? { count: 0, most };
    entry.count += slots;
    used.set(name, entry);
  };
  for (const task of atWork) {
    const { dag, id } = task.run;
    const { pool = '', poolSlots = 1, maxActiveTisPerDag, maxActiveTisPerDagrun } = taskOf(dag, task);
    count(`run ${id}`, 1, dag.maxActiveTasks);
    count(`pool ${pool}`, poolSlots, DRAWN_POOLS[pool]);
    count(`task ${task.taskId} of ${dag.dagId}`, 1, maxActiveTisPerDag);
    count(`task ${task.taskId} of run ${id}`, 1, maxActiveTisPerDagrun);
  }
  return [...used]
    .filter(([, { count: total, most }]) => total > most)
    .map(([name, { count: total, most }]) => `${name} has ${total} at work, more than ${most}`);
}
