import { defineStatement } from '../database.ts';

/** How the call of a list of callbacks ended. */
export interface SettledCallback {
  readonly id: string;
  /** `pending` where it is to be called again. */
  readonly state: 'success' | 'failed' | 'pending';
  /** What there is to say, for people; null where all went well. */
  readonly failure: string | null;
}

/**
 * queued → running. Called before the request is handed to a process, so that what may have been called is known to be. The term fences it. Run twice: it is running.
 */
export const startCallback = defineStatement<{ id: string }, [term: number, now: number, id: string]>(
  'start_callback',
  () => `
    update callback_request
    set state = 'running', attempts = attempts + 1, started_at = $2
    where id = $3 and triggerer_term = $1 and state = 'queued'
    returning id`,
  (term, now, id) => [term, now, id],
);

/**
 * running | queued → success | failed | pending. Called when a process has answered, is gone, or took too long. The term fences it: a triggerer that was given up changes nothing. Run
 * twice: the request has ended.
 */
export const settleCallback = defineStatement<{ id: string }, [term: number, now: number, settled: SettledCallback]>(
  'settle_callback',
  () => `
    update callback_request
    set state = $4, failure = $5, ended_at = case when $4 = 'pending' then null else cast($2 as bigint) end, triggerer_term = case when $4 = 'pending' then null else triggerer_term end
    where id = $3 and triggerer_term = $1 and (state = 'running' or (state = 'queued' and $4 in ('failed', 'pending')))
    returning id`,
  (term, now, { id, state, failure }) => [term, now, id, state, failure],
);
