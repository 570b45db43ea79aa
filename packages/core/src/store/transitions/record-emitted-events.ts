import { defineStatement, type SqlDialect } from '../database.ts';
import { describedOtherwise, isUsed, SCHEDULED_ON } from '../scheduled-on.ts';
import { storableText } from '../storable-text.ts';
import { DROPPED_REASON } from './queue-asset-events.ts';

/** An asset event that a successful attempt emitted. */
export interface EmittedAssetEvent {
  readonly taskInstanceId: string;
  readonly epoch: number;
  /** A function of the try and the event's place in it, so that a try's event is recorded once. */
  readonly eventKey: string;
  readonly assetName: string;
  /** JSON text. */
  readonly extra: string;
  /** Set where it was emitted through aliases: who the asset is, should it not exist. */
  readonly via?: { readonly aliases: readonly string[]; readonly uri: string; readonly group: string };
}

/**
 * (absent) → assets that were named for the first time by a task, through an alias, and aliases that stand for the assets emitted through them.
 *
 * Comes after `finishTaskInstances` and before `recordAssetEvents` in the same transaction: an alias of an attempt that was refused stands for nothing new. An asset
 * that exists under the name with another uri stays what it is, and the alias does not stand for it. Run twice: names and links are unique.
 */
export function resolveAliases(now: number, events: readonly EmittedAssetEvent[]) {
  return [insertAssetsOfAliases(now, events), linkAliases(events)] as const;
}

const insertAssetsOfAliases = defineStatement<never, [now: number, events: readonly EmittedAssetEvent[]]>(
  'insert_assets_of_aliases',
  (d) => `
    insert into asset (name, uri, asset_group, event_type, created_at, updated_at)
    select emitted.asset_name, min(emitted.uri), min(emitted.asset_group), emitted.asset_name || '.completed', $1, $1
    from ${emittedRows(d, '$2')}
    join task_instance as instance on instance.id = emitted.id and instance.epoch = emitted.epoch and instance.state = 'success'
    where emitted.alias is not null
      and not exists (select 1 from asset as other where other.uri = emitted.uri and other.name <> emitted.asset_name)
    group by emitted.asset_name
    order by emitted.asset_name
    on conflict (name) do nothing`,
  (now, events) => [now, aliasRows(events)],
);

const linkAliases = defineStatement<never, [events: readonly EmittedAssetEvent[]]>(
  'link_asset_aliases',
  (d) => `
    insert into asset_alias_asset (asset_alias_id, asset_id)
    select distinct alias.id, asset.id
    from ${emittedRows(d, '$1')}
    join task_instance as instance on instance.id = emitted.id and instance.epoch = emitted.epoch and instance.state = 'success'
    join asset on asset.name = emitted.asset_name and asset.uri = emitted.uri
    join asset_alias as alias on alias.name = emitted.alias
    where true
    on conflict (asset_alias_id, asset_id) do nothing`,
  (events) => [aliasRows(events)],
);

/** Notes through which aliases events came. Comes after `recordAssetEvents` in the same transaction. Run twice: the rows are unique. */
export const noteAliasesOfEvents = defineStatement<never, [events: readonly EmittedAssetEvent[]]>(
  'note_aliases_of_events',
  (d) => `
    insert into asset_alias_event (asset_alias_id, event_key)
    select distinct alias.id, event.event_key
    from ${emittedRows(d, '$1')}
    join asset_event as event on event.event_key = emitted.event_key
    join asset_alias as alias on alias.name = emitted.alias
    where true
    on conflict (event_key, asset_alias_id) do nothing`,
  (events) => [aliasRows(events)],
);

function emittedRows(d: SqlDialect, placeholder: string): string {
  return d.rows(placeholder, 'emitted', {
    id: 'text',
    epoch: 'bigint',
    event_key: 'text',
    asset_name: 'text',
    extra: 'text',
    place: 'bigint',
    alias: 'text',
    uri: 'text',
    asset_group: 'text',
  });
}

function aliasRows(events: readonly EmittedAssetEvent[]): string {
  return JSON.stringify(
    events.flatMap(({ via, ...event }) =>
      (via?.aliases ?? []).map((alias) => ({ ...asRow({ ...event, ...(via === undefined ? {} : { via }) }, 0), alias })),
    ),
  );
}

function asRow({ taskInstanceId, epoch, eventKey, assetName, extra, via }: EmittedAssetEvent, place: number) {
  return {
    id: taskInstanceId,
    epoch,
    event_key: eventKey,
    asset_name: assetName,
    extra,
    place,
    alias: via?.aliases[0] ?? null,
    uri: via === undefined ? null : storableText(via.uri),
    asset_group: via === undefined ? null : storableText(via.group),
  };
}

/**
 * (absent) → recorded. Comes after `finishTaskInstances` in the same transaction: an event of an attempt that was refused is not recorded, and neither is one of an
 * asset that no dag uses any more, or that the dag describes otherwise than a dag before it (adr/0013).
 * Run twice: the key is unique.
 */
export const recordAssetEvents = defineStatement<{ eventKey: string }, [now: number, events: readonly EmittedAssetEvent[]]>(
  'record_asset_events',
  (d) => `
    insert into asset_event (event_key, asset_id, extra, occurred_at, source_dag_id, source_task_id, source_run_id, source_map_index)
    select emitted.event_key, asset.id, emitted.extra, $1, instance.dag_id, instance.task_id, instance.run_id, instance.map_index
    from ${emittedRows(d, '$2')}
    join asset on asset.name = emitted.asset_name and (emitted.uri is null or emitted.uri = asset.uri)
    join task_instance as instance on instance.id = emitted.id and instance.epoch = emitted.epoch and instance.state = 'success'
    where ${isUsed('asset.id')} and not exists (${describedOtherwise('instance.dag_id', 'asset.name')})
    order by emitted.place
    on conflict (event_key) do nothing
    returning event_key as "eventKey"`,
  (now, events) => [now, JSON.stringify(events.map(asRow))],
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
  /** 1 where the dag's events wait in its queue (adr/0012). */
  readonly isCollecting: number;
}

/**
 * The dags that are scheduled on these assets, or on these aliases, through which the assets come to them. A dag that comes in between misses the event, as one that
 * comes later does.
 */
export const selectDagsScheduledOn = defineStatement<ScheduledOnAsset, [wanted: readonly WantedAsset[]]>(
  'select_dags_scheduled_on',
  (d) => `
    select found.asset_name as "assetName", dag.dag_id as "dagId", version.serialized as serialized,
      coalesce(queue.is_collecting, 0) as "isCollecting"
    from (
      select wanted.name as asset_name, scheduled.dag_id
      from ${d.rows('$1', 'wanted', { name: 'text', alias: 'text', uri: 'text' })}
      join asset on asset.name = wanted.name
      join (${SCHEDULED_ON}) as scheduled on scheduled.asset_id = asset.id
      union
      select wanted.name, reference.dag_id
      from ${d.rows('$1', 'wanted', { name: 'text', alias: 'text', uri: 'text' })}
      join dag_schedule_reference as reference
        on reference.kind = 'alias' and reference.target = wanted.alias
        or wanted.alias is not null and reference.kind = 'name' and reference.target = wanted.name
        or wanted.alias is not null and reference.kind = 'uri' and reference.target = wanted.uri
    ) as found
    join dag on dag.dag_id = found.dag_id and dag.is_stale = 0
    join dag_version as version on version.id = dag.dag_version_id
    left join asset_queue as queue on queue.dag_id = dag.dag_id
    order by found.asset_name, dag.dag_id`,
  (wanted) => [JSON.stringify(wanted.map(({ name, alias = null, uri = null }) => ({ name, alias, uri })))],
);

/** An asset that has an event; emitted through an alias it may not exist yet. */
export interface WantedAsset {
  readonly name: string;
  readonly alias?: string;
  readonly uri?: string;
}

/** Dags whose events are runs at once, with what a pause makes of them; joins `wanted` to nothing else than its dag. */
export const TAKEN_AT_ONCE = `
    left join dag on dag.dag_id = wanted.dag_id
    left join asset_queue as queue on queue.dag_id = wanted.dag_id
    where coalesce(queue.is_collecting, 0) = 0`;

const IS_DROPPED = `wanted.state = 'pending' and dag.is_paused = 1 and queue.drops_while_paused = 1`;
/** State and reason of a request. */
export const REQUEST_STATE = `case when ${IS_DROPPED} then 'dropped' else wanted.state end,
      case when ${IS_DROPPED} then '${DROPPED_REASON}' else wanted.reason end`;

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
 * (absent) → pending | refused, or dropped where the dag is paused and its schedule says so. Comes after `recordAssetEvents` in the same transaction, so a request
 * exists only where the event does; a dag that collects events has them in its queue instead. Run twice: (dag, run id) is unique.
 */
export const requestRuns = defineStatement<{ id: string }, [now: number, requests: readonly EmittedRunRequest[]]>(
  'request_runs',
  (d) => `
    insert into run_request (id, dag_id, run_id, event_key, conf, state, reason, requested_at)
    select wanted.id, wanted.dag_id, wanted.run_id, event.event_key, wanted.conf, ${REQUEST_STATE}, $1
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
    ${TAKEN_AT_ONCE}
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

/** An asset whose events leave the environment. */
export interface PublishedAsset {
  readonly name: string;
  readonly uri: string;
  readonly eventType: string;
  /** JSON of the protocol's PublishTarget. */
  readonly publish: string;
}

/** Of the assets named: those that are published. */
export const selectPublishedAssets = defineStatement<PublishedAsset, [names: readonly string[]]>(
  'select_published_assets',
  (d) => `
    select asset.name as name, asset.uri as uri, asset.event_type as "eventType", asset.publish as publish
    from ${d.rows('$1', 'wanted', { name: 'text' })}
    join asset on asset.name = wanted.name
    where asset.publish is not null`,
  (names) => [JSON.stringify([...new Set(names)].map((name) => ({ name })))],
);
