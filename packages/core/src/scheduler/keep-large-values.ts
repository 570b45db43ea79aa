import type { ReturnedValue } from '../store/transitions/push-xcoms.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';

/**
 * Puts the large values of a tick where large values lie, before the transaction that records the successes: a committed reference then names a value that is there. What a crash
 * between the two leaves behind is named by no row and swept away.
 */
export async function keepLargeValues({ parts: { largeValues }, byTaskInstance }: SchedulerState, { values }: TickPlan): Promise<void> {
  if (largeValues === undefined) return;
  const kept = values.map(async (returned): Promise<ReturnedValue> => {
    const dagRunId = byTaskInstance.get(returned.taskInstanceId)?.run.row.id;
    return dagRunId === undefined ? returned : { ...returned, ...(await largeValues.keep(dagRunId, returned.value)) };
  });
  values.splice(0, values.length, ...(await Promise.all(kept)));
}
