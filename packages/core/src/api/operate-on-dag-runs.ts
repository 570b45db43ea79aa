import { carryOutClear, planDagRunClear, type DagRunClear, type PlannedClear } from '../store/clear-dag-runs.ts';
import { operateOnDagRuns, type OperatedRun, type OperationContext, type RunOperation } from '../store/operate-on-dag-runs.ts';
import { listTaskInstances, type TaskInstanceSummary } from '../store/reads/task-instances.ts';
import type { Database } from '../store/database.ts';
import type { ApiParts } from './api-parts.ts';
import type { Principal } from './auth/principal.ts';
import { authorizeMarkedDag } from './policy.ts';

/** So many task instances are looked up in one query. */
const MOST_IDS = 500;

/** Carries the operation out, and wakes the scheduler where something was changed. */
export async function operate(parts: ApiParts, operation: RunOperation): Promise<readonly OperatedRun[]> {
  const operated = await operateOnDagRuns(contextOf(parts), operation);
  if (operation.isDryRun !== true && operated.length > 0) parts.wake();
  return operated;
}

/**
 * Says what a clear would do, there and where markers lead. Nothing is changed.
 * @param principal who asks, and may read the dag that the clear is about
 * @throws TradewindError `forbidden` where a marker leads to a dag that the principal may not read; otherwise as `planDagRunClear`
 */
export function planClearFor(principal: Principal, parts: ApiParts, clear: DagRunClear): Promise<PlannedClear> {
  return planDagRunClear(contextOf(parts), {
    ...clear,
    inspect(change, run, stored) {
      if (stored.dagId !== clear.selection.dagId) authorizeMarkedDag(principal, stored.dagId);
      clear.inspect?.(change, run, stored);
    },
  });
}

/** Carries a planned clear out, and wakes the scheduler where something was changed. */
export async function carryOut(parts: ApiParts, planned: PlannedClear): Promise<readonly OperatedRun[]> {
  try {
    return await carryOutClear(contextOf(parts), planned);
  } finally {
    // Where it failed half way, too: the runs before are changed.
    if (planned.operated.length > 0) parts.wake();
  }
}

function contextOf({ database, clock, random }: ApiParts): OperationContext {
  return { database, now: clock.now(), newId: () => random.uuid() };
}

/** Says what the operation would do. */
export function rehearse(parts: ApiParts, operation: RunOperation): Promise<readonly OperatedRun[]> {
  return operate(parts, { ...operation, isDryRun: true });
}

/** Ids of the task instances that an operation changes, or those of them that it changes to one of some states. */
export function changedIds(operated: readonly OperatedRun[], isWanted: (to: string) => boolean = () => true): readonly string[] {
  return operated.flatMap(({ change }) => change.instances.flatMap(({ instance, to }) => (isWanted(to) ? [instance.id] : [])));
}

/** The task instances with these ids, as they are now, in this order. */
export async function readTaskInstances(database: Database, ids: readonly string[]): Promise<readonly TaskInstanceSummary[]> {
  const found = new Map<string, TaskInstanceSummary>();
  for (let start = 0; start < ids.length; start += MOST_IDS) {
    const wanted = ids.slice(start, start + MOST_IDS);
    const { rows } = await listTaskInstances(database, { readable: 'all', ids: wanted }, { limit: MOST_IDS, offset: 0 });
    for (const row of rows) found.set(row.id, row);
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}
