import { timetableOf, type SerializedDag } from '@tradewind/protocol';
import { decideNextRun, type NextRun } from './next-run.ts';
import { isTicking } from './ticks.ts';

/**
 * The runs that follow one that is decided, itself first, as if time went on without a run being missed. Ends early at the dag's end date, and where what
 * follows cannot be told in advance.
 */
export function listNextRuns(dag: SerializedDag, first: NextRun, count: number): readonly NextRun[] {
  const runs = [first];
  const timetable = timetableOf(dag.schedule);
  if (timetable === undefined || !isTicking(timetable)) return runs;
  for (let last: NextRun = first; runs.length < count;) {
    const next = decideNextRun({ ...dag, catchup: true, lastLogicalAt: last.logicalAt, now: last.runAfterAt });
    if (next === undefined) break;
    runs.push(next);
    last = next;
  }
  return runs;
}
