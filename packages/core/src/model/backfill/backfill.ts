/** What a backfill does with a date that has a run already: nothing, or run it again where it failed, or wherever it has ended (Airflow's words). */
export const REPROCESS_BEHAVIORS = ['none', 'failed', 'completed'] as const;
/** What a backfill does with a date that has a run already. */
export type ReprocessBehavior = (typeof REPROCESS_BEHAVIORS)[number];

/** Why a date of a backfill has no run of it (Airflow's words, with their spaces). */
export type BackfillExceptionReason = 'in flight' | 'already exists' | 'unknown';

/** Airflow's default, which is ours: how many runs of one backfill are queued or running at the same time. */
export const DEFAULT_BACKFILL_MAX_ACTIVE_RUNS = 10;
