import type { SerializedDag } from '@tradewind/protocol';
import { decideNextRun } from './next-run.ts';

/** What was known of a dag before it was read again. */
export interface DagBeforeParse {
  readonly isStale: boolean;
  /** The dag as it was; undefined where it has not changed. */
  readonly changedFrom: SerializedDag | undefined;
  readonly lastLogicalAt: number | undefined;
}

/** Whether the time at which a dag is due stays, or which one it is; null for never. */
export type DueAfterParse = { readonly isKept: true } | { readonly isKept: false; readonly nextRunAt: number | null };

/**
 * Decides when a dag is due after it was read. What the scheduler has decided stays, unless something that the decision rests on has
 * changed: the schedule, the bounds, catchup or the kinds of run that the dag takes; or the dag was gone and is back, and the ticks meanwhile must not pile up.
 *
 * @param before undefined for a new dag
 */
export function decideDueAfterParse(dag: SerializedDag, before: DagBeforeParse | undefined, now: number): DueAfterParse {
  const isKept = before !== undefined && !before.isStale && (before.changedFrom === undefined || hasSameTimetable(before.changedFrom, dag));
  if (isKept) return { isKept };
  return { isKept, nextRunAt: decideNextRun({ ...dag, lastLogicalAt: before?.lastLogicalAt, now })?.runAfterAt ?? null };
}

function hasSameTimetable(one: SerializedDag, other: SerializedDag): boolean {
  const timetable = ({ schedule, catchup, startDate, endDate, allowedRunTypes }: SerializedDag): string =>
    JSON.stringify([schedule, catchup, startDate ?? null, endDate ?? null, allowedRunTypes ?? null]);
  return timetable(one) === timetable(other);
}
