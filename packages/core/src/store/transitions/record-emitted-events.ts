import { defineStatement } from '../database.ts';

/** An asset event that a successful attempt emitted. */
export interface EmittedAssetEvent {
  readonly taskInstanceId: string;
  readonly epoch: number;
  /** A function of the try and the event's place in it, so that a try's event is recorded once. */
  readonly eventKey: string;
  readonly assetName: string;
  /** JSON text. */
  readonly extra: string;
}

/**
 * (absent) → recorded. Comes after `finishTaskInstances` in the same transaction: an event of an attempt that was refused is not recorded.
 * Run twice: the key is unique.
 */
export const recordAssetEvents = defineStatement<{ eventKey: string }, [now: number, events: readonly EmittedAssetEvent[]]>(
  'record_asset_events',
  (d) => `
    insert into asset_event (event_key, asset_id, extra, occurred_at, source_dag_id, source_task_id, source_run_id, source_map_index)
    select emitted.event_key, asset.id, emitted.extra, $1, instance.dag_id, instance.task_id, instance.run_id, instance.map_index
    from ${d.rows('$2', 'emitted', { id: 'text', epoch: 'bigint', event_key: 'text', asset_name: 'text', extra: 'text' })}
    join asset on asset.name = emitted.asset_name
    join task_instance as instance on instance.id = emitted.id and instance.epoch = emitted.epoch and instance.state = 'success'
    where true
    on conflict (event_key) do nothing
    returning event_key as "eventKey"`,
  (now, events) => [
    now,
    JSON.stringify(
      events.map(({ taskInstanceId, epoch, eventKey, assetName, extra }) => ({
        id: taskInstanceId,
        epoch,
        event_key: eventKey,
        asset_name: assetName,
        extra,
      })),
    ),
  ],
);

/** A message that leaves the environment because of an asset event. */
export interface OutgoingEvent {
  /** Id of the CloudEvent, which is the event's key. */
  readonly id: string;
  readonly assetName: string;
  /** JSON of the protocol's PublishTarget. */
  readonly target: string;
  /** JSON of the protocol's CloudEvent. */
  readonly envelope: string;
}

/**
 * (absent) → pending. Comes after `recordAssetEvents` in the same transaction, so the message exists exactly where the event does.
 * Run twice: the id is unique.
 */
export const enqueueOutgoingEvents = defineStatement<{ id: string }, [now: number, events: readonly OutgoingEvent[]]>(
  'enqueue_outgoing_events',
  (d) => `
    insert into outbox (id, asset_name, target, envelope, state, created_at, next_attempt_at)
    select outgoing.id, outgoing.asset_name, outgoing.target, outgoing.envelope, 'pending', $1, $1
    from ${d.rows('$2', 'outgoing', { id: 'text', asset_name: 'text', target: 'text', envelope: 'text' })}
    join asset_event as event on event.event_key = outgoing.id
    where true
    on conflict (id) do nothing
    returning id`,
  (now, events) => [
    now,
    JSON.stringify(events.map(({ id, assetName, target, envelope }) => ({ id, asset_name: assetName, target, envelope }))),
  ],
);

/** A dag that is scheduled on an asset, with the serialized form of its current version. */
export interface ScheduledOnAsset {
  readonly assetName: string;
  readonly dagId: string;
  readonly serialized: string;
}

/** The dags that are scheduled on these assets. A dag that comes in between misses the event, as one that comes later does. */
export const selectDagsScheduledOn = defineStatement<ScheduledOnAsset, [assetNames: readonly string[]]>(
  'select_dags_scheduled_on',
  (d) => `
    select asset.name as "assetName", dag.dag_id as "dagId", version.serialized as serialized
    from ${d.rows('$1', 'wanted', { name: 'text' })}
    join asset on asset.name = wanted.name
    join dag_schedule_asset as schedule on schedule.asset_id = asset.id
    join dag on dag.dag_id = schedule.dag_id and dag.is_stale = 0
    join dag_version as version on version.id = dag.dag_version_id
    order by asset.name, dag.dag_id`,
  (assetNames) => [JSON.stringify(assetNames.map((name) => ({ name })))],
);

/** A run that an emitted event asks for, or asks for in vain. */
export interface EmittedRunRequest {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  readonly eventKey: string;
  /** JSON object. */
  readonly conf: string;
  readonly state: 'pending' | 'refused';
  readonly reason: string | null;
}

/**
 * (absent) → pending | refused. Comes after `recordAssetEvents` in the same transaction, so a request exists only where the event does.
 * Run twice: (dag, run id) is unique.
 */
export const requestRuns = defineStatement<{ id: string }, [now: number, requests: readonly EmittedRunRequest[]]>(
  'request_runs',
  (d) => `
    insert into run_request (id, dag_id, run_id, event_key, conf, state, reason, requested_at)
    select wanted.id, wanted.dag_id, wanted.run_id, event.event_key, wanted.conf, wanted.state, wanted.reason, $1
    from ${d.rows('$2', 'wanted', {
      id: 'text',
      dag_id: 'text',
      run_id: 'text',
      event_key: 'text',
      conf: 'text',
      state: 'text',
      reason: 'text',
    })}
    join asset_event as event on event.event_key = wanted.event_key
    where true
    on conflict (dag_id, run_id) do nothing
    returning id`,
  (now, requests) => [
    now,
    JSON.stringify(
      requests.map(({ id, dagId, runId, eventKey, conf, state, reason }) => ({
        id,
        dag_id: dagId,
        run_id: runId,
        event_key: eventKey,
        conf,
        state,
        reason,
      })),
    ),
  ],
);
