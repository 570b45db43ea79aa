import { timetableOf, type SerializedDag } from '@tradewind/protocol';
import { decideNextRun, runAt, runDueAt, takesScheduledRuns, type NextRun } from './next-run.ts';

/** A run to be made now, and when the one after it is due; null for never. Times are milliseconds since the epoch. */
export interface DueRun extends NextRun {
  /** The due time that the decision was made from. */
  readonly dueAt: number;
  readonly nextRunAt: number | null;
}

/** What the decision rests on besides the dag. */
export interface DueRunsInput {
  /** When the dag's next run is due, as it is stored. */
  readonly dueAt: number;
  readonly now: number;
  readonly most: number;
  /** End of the data interval of the latest scheduled run. */
  readonly lastIntervalEndAt: number | null;
  /** What the code of a `custom` timetable has named, the earliest first. */
  readonly stock?: readonly NextRun[] | undefined;
}

/** The runs of a dag that are due by now, at most so many, in order. Empty where nothing tells which run is due. */
export function decideDueRuns(dag: SerializedDag, input: DueRunsInput): readonly DueRun[] {
  const timetable = timetableOf(dag.schedule);
  if (timetable === undefined || !takesScheduledRuns(dag)) return [];
  if (timetable.kind === 'custom') return stockedRuns(input);
  if (timetable.kind === 'continuous') return [continuousRun(input)];
  const runs: DueRun[] = [];
  let dueAt: number | undefined = input.dueAt;
  while (dueAt !== undefined && dueAt <= input.now && runs.length < input.most) {
    const run = runDueAt(timetable, dueAt);
    if (run === undefined) break;
    const next: number | undefined = decideNextRun({ ...dag, lastLogicalAt: run.logicalAt, now: input.now })?.runAfterAt;
    runs.push({ ...run, dueAt, nextRunAt: next ?? null });
    dueAt = next;
  }
  return runs;
}

function stockedRuns({ stock = [], dueAt, now, most }: DueRunsInput): readonly DueRun[] {
  const first = stock.findIndex(({ runAfterAt }) => runAfterAt === dueAt);
  if (first === -1) return [];
  return stock
    .slice(first, first + most)
    .map((run, index) => ({ ...run, dueAt: run.runAfterAt, nextRunAt: stock[first + index + 1]?.runAfterAt ?? null }))
    .filter((run) => run.runAfterAt <= now);
}

/** It was due when the one before began; it runs from when there is room, and its data interval goes on where the last one ended. */
function continuousRun({ dueAt, now, lastIntervalEndAt }: DueRunsInput): DueRun {
  return { ...runAt(now), intervalStartAt: Math.min(lastIntervalEndAt ?? dueAt, now), dueAt, nextRunAt: now };
}
