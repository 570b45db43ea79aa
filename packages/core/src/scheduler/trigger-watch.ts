/** What a scheduler knows of triggers that others fire for it. */
export interface TriggerWatch {
  /** Whether triggers of runs that are held here may have fired. */
  mayHaveFired: boolean;
  /** Whether a task instance waits for the end of a run. */
  areRunsAwaited: boolean;
}
