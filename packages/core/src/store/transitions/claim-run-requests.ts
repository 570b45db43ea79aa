import { defineStatement } from '../database.ts';

/**
 * pending → created, in three statements of one transaction.
 *
 * Called when an event asked for runs, and in every round of recovery. `claimRunRequests` takes the oldest requests of dags that are neither paused nor
 * gone; `createRequestedDagRuns` makes one queued run of each; `linkTriggeringEvents` notes which events each run came from. A run's id is its request's and its run id
 * a function of the event, both unique: whatever happens twice makes one run (adr/0008). Requests of a paused dag wait, in order.
 */
export const claimRunRequests = defineStatement<{ id: string }, [term: number, most: number]>(
  'claim_run_requests',
  (d) => `
    with oldest as materialized (
      select pending.id
      from run_request as pending
      join dag on dag.dag_id = pending.dag_id
      where pending.state = 'pending' and dag.is_paused = 0 and dag.is_stale = 0
      order by pending.id
      limit $2 ${d.dialect === 'postgres' ? 'for no key update of pending skip locked' : ''}
    )
    update run_request
    set state = 'created', claimed_term = $1
    from oldest
    where run_request.id = oldest.id and (run_request.state = 'pending') is true
    returning run_request.id as id`,
  (term, most) => [term, most],
);

/** (absent) → queued. See `claimRunRequests`. */
export const createRequestedDagRuns = defineStatement<{ id: string }, [term: number, now: number]>(
  'create_requested_dag_runs',
  () => `
    insert into dag_run
      (id, dag_id, run_id, run_type, state, triggered_by, conf, run_after_at, queued_at, dag_version_id, bundle_version)
    select request.id, request.dag_id, request.run_id, 'asset_triggered', 'queued', 'asset', request.conf, request.requested_at, $2,
      dag.dag_version_id, dag.bundle_version
    from run_request as request
    join dag on dag.dag_id = request.dag_id
    where request.claimed_term = $1 and not exists (select 1 from dag_run where dag_run.id = request.id)
    on conflict (dag_id, run_id) do nothing
    returning id`,
  (term, now) => [term, now],
);

/** Notes the event behind each run that this transaction created, and the others that the run took from its dag's queue, and lets go of the requests. See `claimRunRequests`. */
export const linkTriggeringEvents = defineStatement<never, [term: number]>(
  'link_triggering_events',
  () => `
    insert into dag_run_asset_event (dag_run_id, event_key)
    select request.id, request.event_key
    from run_request as request
    where request.claimed_term = $1
    union
    select request.id, queued.event_key
    from run_request as request
    join queued_asset_event as queued on queued.run_request_id = request.id
    where request.claimed_term = $1
    on conflict (dag_run_id, event_key) do nothing`,
  (term) => [term],
);

/** Ends a claim, so that the next one does not see its requests again. See `claimRunRequests`. */
export const releaseClaim = defineStatement<never, [term: number]>(
  'release_run_request_claim',
  () => `update run_request set claimed_term = null where claimed_term = $1`,
  (term) => [term],
);
