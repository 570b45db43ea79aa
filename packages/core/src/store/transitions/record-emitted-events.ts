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
