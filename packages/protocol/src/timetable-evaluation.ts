/** A run of a timetable, in epoch milliseconds. */
export interface TimetableRunTimes {
  readonly logicalAt: number;
  readonly runAfterAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
}

/** What the code of a dag's timetable is asked: which runs follow. */
export interface TimetableQuestion {
  readonly dagId: string;
  /** The run after which the first one comes; null where the dag has none. */
  readonly last: TimetableRunTimes | null;
  readonly now: number;
  /** Start and end date of the dag. */
  readonly earliestAt: number | null;
  readonly latestAt: number | null;
  readonly catchup: boolean;
  /** How many runs are wanted. */
  readonly most: number;
}

/** What the code answered: the next runs, the earliest first. */
export interface TimetableAnswer {
  readonly type: 'timetable';
  readonly runs: readonly TimetableRunTimes[];
  /** Whether no run follows the last one. */
  readonly isExhausted: boolean;
}

/** How many runs the code of a timetable is asked for at once. */
export const MAX_TIMETABLE_ANSWER = 1_000;
