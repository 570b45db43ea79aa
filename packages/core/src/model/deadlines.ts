import type { DeadlineReference, SerializedDeadline, SerializedSchedule } from '@tradewind/protocol';
import { timetableOf } from '@tradewind/protocol';
import { runDueAt, type NextRun } from './timetables/next-run.ts';

/** A run as its deadlines see it. Times are milliseconds since the epoch. */
export interface RunWithDeadlines {
  readonly id: string;
  readonly dagId: string;
  readonly logicalAt: number | null;
  readonly queuedAt: number;
  /** How often it was cleared. */
  readonly clearNumber: number;
}

/** How long the last runs of the dag took. */
export interface Runtimes {
  readonly runs: number;
  readonly averageMs: number | null;
}

/** A deadline of a run, as a moment. */
export interface DecidedDeadline {
  /** A function of the run and the deadline; where it counts from the logical date, of dag and logical date, so that it is the same before the run exists. */
  readonly id: string;
  readonly name: string;
  readonly reference: DeadlineReference['kind'];
  readonly dueAt: number;
}

/**
 * The moments by which a run should have ended. There is none where the reference has no moment: a run without a logical date, a dag that has too few runs to take an average of.
 *
 * A run that was cleared gets anew the deadlines that count from its queueing; the others have been met or missed already, and a clear does not move them (Airflow).
 */
export function decideDeadlines(
  run: RunWithDeadlines,
  deadlines: readonly SerializedDeadline[],
  runtimesOf: (maxRuns: number) => Runtimes,
): readonly DecidedDeadline[] {
  return deadlines.flatMap(({ name, reference, intervalMs }) => {
    if (run.clearNumber > 0 && !isFromQueueing(reference)) return [];
    const from = referenceAt(run, reference, runtimesOf);
    if (from === undefined) return [];
    const isOfSlot = reference.kind === 'dag_run_logical_date' && run.logicalAt !== null;
    const id = isOfSlot ? slotDeadlineId(run.dagId, run.logicalAt, name) : `${run.id}/${name}`;
    return [{ id, name, reference: reference.kind, dueAt: from + intervalMs }];
  });
}

/** A deadline of a run that the timetable names next, whether or not it is ever created. */
export interface ExpectedDeadline {
  readonly id: string;
  readonly name: string;
  readonly dueAt: number;
  readonly run: NextRun;
}

/**
 * The deadlines of the next scheduled run that count from its logical date. Empty for timetables whose next run only their code, or the end of the one before, can tell.
 * @param nextRunAt when the dag's next run is due
 */
export function decideExpectedDeadlines(
  dag: { readonly dagId: string; readonly nextRunAt: number },
  schedule: SerializedSchedule,
  deadlines: readonly SerializedDeadline[],
): readonly ExpectedDeadline[] {
  const timetable = timetableOf(schedule);
  const run = timetable === undefined || timetable.kind === 'continuous' ? undefined : runDueAt(timetable, dag.nextRunAt);
  if (run === undefined) return [];
  return deadlines.flatMap(({ name, reference, intervalMs }) =>
    reference.kind === 'dag_run_logical_date'
      ? [{ id: slotDeadlineId(dag.dagId, run.logicalAt, name), name, dueAt: run.logicalAt + intervalMs, run }]
      : [],
  );
}

function isFromQueueing({ kind }: DeadlineReference): boolean {
  return kind === 'dag_run_queued_at' || kind === 'average_runtime';
}

function referenceAt(run: RunWithDeadlines, reference: DeadlineReference, runtimesOf: (maxRuns: number) => Runtimes): number | undefined {
  switch (reference.kind) {
    case 'dag_run_queued_at':
      return run.queuedAt;
    case 'dag_run_logical_date':
      return run.logicalAt ?? undefined;
    case 'fixed_datetime':
      return Date.parse(reference.at);
    case 'average_runtime': {
      const { runs, averageMs } = runtimesOf(reference.maxRuns);
      return runs < reference.minRuns || averageMs === null ? undefined : run.queuedAt + averageMs;
    }
  }
}

function slotDeadlineId(dagId: string, logicalAt: number | null, name: string): string {
  return `${dagId}/${logicalAt}/${name}`;
}
