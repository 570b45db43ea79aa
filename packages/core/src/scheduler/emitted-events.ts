import { createHash } from 'node:crypto';
import { decodeJson, type CloudEvent, type EmittedEvent, type PublishTarget, type SerializedDag } from '@tradewind/protocol';
import { decideRunRequest, eventRunId } from '../model/run-request.ts';
import { queueAssetEvents } from '../store/transitions/queue-asset-events.ts';
import {
  enqueueOutgoingEvents,
  noteAliasesOfEvents,
  recordAssetEvents,
  requestRuns,
  resolveAliases,
  selectDagsScheduledOn,
  selectPublishedAssets,
  type EmittedAssetEvent,
  type EmittedRunRequest,
  type OutgoingEvent,
  type PublishedAsset,
  type ScheduledOnAsset,
} from '../store/transitions/record-emitted-events.ts';
import { attemptOf } from './move-task.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';
import type { TickStatement } from './tick-statement.ts';

/**
 * The part of a tick that records emitted events: an asset event each, a message in the outbox where the asset is published, a run request for each
 * dag of this environment that is scheduled on the asset, or a place in that dag's queue. All of it in the transaction of the task's success.
 */
export async function eventStatements(state: SchedulerState, plan: TickPlan): Promise<readonly TickStatement[]> {
  const emissions = plan.emitted.flatMap(({ run, task, events }) =>
    mergeAliases(events).map((event, place): Emission => ({ run, task, event, eventKey: keyOf(state, { run, task }, place) })),
  );
  if (emissions.length === 0) return [];
  const { dags, published } = await readConsumers(state, emissions);
  const events = emissions.map(recordOf);
  const outgoing = emissions
    .map((emission) => messageOf(state, plan, { ...emission, published }))
    .filter((message) => message !== undefined);
  const requests = requestsOf(state, emissions, dags);
  const hasAliases = emissions.some(({ event }) => event.aliases.length > 0);
  const [lockQueues, queue, advanceQueues] = queueAssetEvents(
    plan.now,
    emissions.map(({ eventKey }) => ({ eventKey })),
  );
  return [
    ...(hasAliases ? resolveAliases(plan.now, events).map((statement) => ({ step: 'aliases', statement }) as const) : []),
    { step: 'events', statement: recordAssetEvents(plan.now, events) },
    ...(hasAliases ? [{ step: 'aliases', statement: noteAliasesOfEvents(events) } as const] : []),
    ...(outgoing.length > 0 ? [{ step: 'outgoing', statement: enqueueOutgoingEvents(plan.now, outgoing) } as const] : []),
    ...(requests.length > 0 ? [{ step: 'requests', statement: requestRuns(plan.now, requests) } as const] : []),
    { step: 'queues', statement: lockQueues },
    { step: 'queued', statement: queue },
    { step: 'queues', statement: advanceQueues },
  ];
}

/**
 * Says which events of a tick that was committed are not recorded by it: no dag uses the asset any more, the dag describes it otherwise than a dag before it (adr/0013), or
 * the attempt had been replaced.
 * @param recorded what `recordAssetEvents` returned
 */
export function warnOfUnrecordedEvents(state: SchedulerState, plan: TickPlan, recorded: readonly unknown[]): void {
  const keys = new Set(recorded.map((row) => (row as { readonly eventKey: string }).eventKey));
  for (const { run, task, events } of plan.emitted) {
    for (const [place, { assetName }] of mergeAliases(events).entries()) {
      if (keys.has(keyOf(state, { run, task }, place))) continue;
      const { dagId, runId } = run.row;
      const { taskId } = task.node.graph.task;
      state.parts.log.warning(
        'an asset event is not recorded: the asset is not in use, another dag described it otherwise before, or the attempt was replaced',
        {
          assetName,
          dagId,
          runId,
          taskId,
        },
      );
    }
  }
}

/** An event with every alias through which the try emitted it. */
interface AliasedEvent extends EmittedEvent {
  readonly aliases: readonly string[];
}

interface Emission extends TaskOfRun {
  readonly event: AliasedEvent;
  readonly eventKey: string;
}

/** The same asset with the same extra is one event, through however many aliases it was emitted and however often (Airflow); without an alias each is one. */
function mergeAliases(events: readonly EmittedEvent[]): readonly AliasedEvent[] {
  const merged = new Map<string, AliasedEvent>();
  for (const [place, event] of events.entries()) {
    const { via } = event;
    const key = via === undefined ? `${place}` : JSON.stringify([event.assetName, via.uri, event.extraJson]);
    const aliases = [...(merged.get(key)?.aliases ?? []), ...(via === undefined ? [] : [via.alias])];
    merged.set(key, { ...event, aliases: [...new Set(aliases)] });
  }
  return [...merged.values()];
}

async function readConsumers({ parts }: SchedulerState, emissions: readonly Emission[]) {
  const wanted = emissions.flatMap(({ event: { assetName, via, aliases } }) =>
    via === undefined ? [{ name: assetName }] : aliases.map((alias) => ({ name: assetName, alias, uri: via.uri })),
  );
  const different = [...new Map(wanted.map((asset) => [JSON.stringify(asset), asset])).values()];
  const [dags, published] = await parts.database.batch([
    selectDagsScheduledOn(different),
    selectPublishedAssets(different.filter((asset) => 'alias' in asset).map(({ name }) => name)),
  ]);
  return { dags, published };
}

function recordOf({ task, event: { assetName, extraJson, via, aliases }, eventKey }: Emission): EmittedAssetEvent {
  const known = { ...attemptOf(task), eventKey, assetName, extra: extraJson };
  return via === undefined ? known : { ...known, via: { aliases, uri: via.uri, group: via.group } };
}

/** Also for the dags that collect events: whether one does is decided where the request is written. */
function requestsOf({ parts }: SchedulerState, emissions: readonly Emission[], dags: readonly ScheduledOnAsset[]): EmittedRunRequest[] {
  return emissions.flatMap(({ event, eventKey }) =>
    dags
      .filter(({ assetName }) => assetName === event.assetName)
      .map(({ dagId, serialized }) => {
        const decision = decideRunRequest(decodeJson(serialized) as unknown as SerializedDag, decodeJson(event.extraJson));
        return { id: parts.random.uuid(), dagId, runId: eventRunId(eventKey), eventKey, ...decision };
      }),
  );
}

/**
 * A function of (environment, dag, run, task, map index, try, place), so that neither a repeated transaction nor a repeated publication makes
 * a second event. A try succeeds at most once; a later try after a clear is a new happening.
 */
function keyOf(state: SchedulerState, { run, task }: TaskOfRun, place: number): string {
  const { taskId } = task.node.graph.task;
  const parts = [state.parts.environmentName, run.row.dagId, run.row.runId, taskId, task.mapIndex, task.tryNumber, place];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

function messageOf(
  state: SchedulerState,
  plan: TickPlan,
  { run, event, eventKey, published }: Emission & { readonly published: readonly PublishedAsset[] },
): OutgoingEvent | undefined {
  const asset = publicationOf({ run, event, published });
  if (asset === undefined) return undefined;
  const cause = run.events.find(({ source }) => source !== undefined)?.source;
  const envelope: CloudEvent = {
    specversion: '1.0',
    id: eventKey,
    source: `/tradewind/${encodeURIComponent(state.parts.environmentName)}/${encodeURIComponent(run.row.dagId)}`,
    type: asset.eventType,
    subject: run.row.runId,
    time: new Date(plan.now).toISOString(),
    datacontenttype: 'application/json',
    data: decodeJson(event.extraJson),
    ...(cause === undefined ? {} : { causationid: cause.id }),
  };
  return { id: eventKey, assetName: event.assetName, target: JSON.stringify(asset.publish), envelope: JSON.stringify(envelope) };
}

/** Where the event goes: as the run's version of the dag says of its own assets, and as the store says of those that an alias names. */
function publicationOf({
  run,
  event,
  published,
}: Pick<Emission, 'run' | 'event'> & { readonly published: readonly PublishedAsset[] }):
  | { readonly publish: PublishTarget; readonly eventType: string }
  | undefined {
  if (event.via !== undefined) {
    const known = published.find(({ name, uri }) => name === event.assetName && uri === event.via?.uri);
    return known && { publish: decodeJson(known.publish) as unknown as PublishTarget, eventType: known.eventType };
  }
  const asset = run.graph.dag.assets.find(({ name }) => name === event.assetName);
  return asset?.publish && { publish: asset.publish, eventType: asset.eventType };
}
