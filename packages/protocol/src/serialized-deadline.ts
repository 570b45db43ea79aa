/** The moment that a deadline counts from. */
export type DeadlineReference =
  | { readonly kind: 'dag_run_queued_at' }
  | { readonly kind: 'dag_run_logical_date' }
  /** ISO 8601 instant. */
  | { readonly kind: 'fixed_datetime'; readonly at: string }
  /** How long the last runs took, counted from when the run was queued. */
  | { readonly kind: 'average_runtime'; readonly maxRuns: number; readonly minRuns: number };

/** A moment by which a run should have ended; missing it calls the author's function and does not stop the run. */
export interface SerializedDeadline {
  readonly name: string;
  readonly reference: DeadlineReference;
  /** Added to the reference; may be negative. */
  readonly intervalMs: number;
}
