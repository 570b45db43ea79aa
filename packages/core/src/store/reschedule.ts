import type { SerializedDag } from '@tradewind/protocol';
import { decideNextRun } from '../model/timetables/next-run.ts';
import { TradewindError } from '../platform/errors.ts';
import { wakeOthers, type Database } from './database.ts';
import { rescheduleDags, selectSavedDags } from './transitions/save-dags.ts';

/** A race with the scheduler is over after one run has been created; a few of them in a row do not happen by chance. */
const MOST_ATTEMPTS = 5;

/**
 * Decides anew when the dags are due, until no scheduler has moved a due time on between the look and the change.
 * @throws TradewindError `conflict` after several attempts
 */
export async function rescheduleUntilApplied(
  database: Database,
  dags: readonly { readonly dag: SerializedDag; readonly serializedHash: string }[],
  now: number,
): Promise<void> {
  let waiting = dags;
  for (let attempt = 1; waiting.length > 0; attempt += 1) {
    if (attempt > MOST_ATTEMPTS) {
      const names = waiting.map(({ dag }) => dag.dagId).join(', ');
      throw new TradewindError('conflict', `the next run of ${names} cannot be decided: a scheduler keeps changing it. Try again.`);
    }
    const [saved] = await database.batch([selectSavedDags(waiting)]);
    const byId = new Map(waiting.map(({ dag }) => [dag.dagId, dag]));
    const rescheduled = saved.flatMap(({ dagId, nextRunAt, lastLogicalAt }) => {
      const dag = byId.get(dagId);
      if (dag === undefined) return [];
      const next = decideNextRun({ ...dag, lastLogicalAt: lastLogicalAt ?? undefined, now });
      return [{ dagId, expectedNextRunAt: nextRunAt, nextRunAt: next?.runAfterAt ?? null }];
    });
    const [applied] = await database.batch([rescheduleDags(rescheduled), wakeOthers]);
    const done = new Set(applied.map(({ dagId }) => dagId));
    waiting = waiting.filter(({ dag }) => !done.has(dag.dagId));
  }
}
