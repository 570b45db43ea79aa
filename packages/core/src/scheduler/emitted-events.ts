import { createHash } from 'node:crypto';
import { decodeJson, type CloudEvent, type EmittedEvent, type SerializedDag } from '@tradewind/protocol';
import { decideRunRequest, eventRunId } from '../model/run-request.ts';
import {
  enqueueOutgoingEvents,
  recordAssetEvents,
  requestRuns,
  selectDagsScheduledOn,
  type EmittedAssetEvent,
  type EmittedRunRequest,
  type OutgoingEvent,
} from '../store/transitions/record-emitted-events.ts';
import { attemptOf } from './active-run.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';
import type { TickStatement } from './tick-statement.ts';

/**
 * The part of a tick that records emitted events: an asset event each, a message in the outbox where the asset is published, a run request for each
 * dag of this environment that is scheduled on the asset. All of it in the transaction of the task's success.
 */
export async function eventStatements(state: SchedulerState, plan: TickPlan): Promise<readonly TickStatement[]> {
  const emissions = plan.emitted.flatMap(({ run, task, events }) =>
    events.map((event, place): Emission => ({ run, task, event, eventKey: keyOf(state, { run, task }, place) })),
  );
  if (emissions.length === 0) return [];
  const outgoing = emissions.map((emission) => messageOf(state, plan, emission)).filter((message) => message !== undefined);
  const requests = await requestsOf(state, emissions);
  return [
    { step: 'events', statement: recordAssetEvents(plan.now, emissions.map(recordOf)) },
    ...(outgoing.length > 0 ? [{ step: 'outgoing', statement: enqueueOutgoingEvents(plan.now, outgoing) } as const] : []),
    ...(requests.length > 0 ? [{ step: 'requests', statement: requestRuns(plan.now, requests) } as const] : []),
  ];
}

function recordOf({ task, event, eventKey }: Emission): EmittedAssetEvent {
  return { ...attemptOf(task), eventKey, assetName: event.assetName, extra: event.extraJson };
}

async function requestsOf({ parts }: SchedulerState, emissions: readonly Emission[]): Promise<EmittedRunRequest[]> {
  const [dags] = await parts.database.batch([selectDagsScheduledOn([...new Set(emissions.map(({ event }) => event.assetName))])]);
  return emissions.flatMap(({ event, eventKey }) =>
    dags
      .filter(({ assetName }) => assetName === event.assetName)
      .map(({ dagId, serialized }) => {
        const { params } = decodeJson(serialized) as unknown as SerializedDag;
        const decision = decideRunRequest(params, decodeJson(event.extraJson));
        return { id: parts.random.uuid(), dagId, runId: eventRunId(eventKey), eventKey, ...decision };
      }),
  );
}

/**
 * A function of (environment, dag, run, task, map index, try, place), so that neither a repeated transaction nor a repeated publication makes
 * a second event. A try succeeds at most once; a later try after a clear is a new happening.
 */
function keyOf(state: SchedulerState, { run, task }: TaskOfRun, place: number): string {
  const taskId = run.graph.tasks[task.index]?.task.taskId;
  const parts = [state.parts.environmentName, run.row.dagId, run.row.runId, taskId, -1, task.tryNumber, place];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

interface Emission extends TaskOfRun {
  readonly event: EmittedEvent;
  readonly eventKey: string;
}

function messageOf(state: SchedulerState, plan: TickPlan, { run, event, eventKey }: Emission): OutgoingEvent | undefined {
  const asset = run.graph.dag.assets.find(({ name }) => name === event.assetName);
  if (asset?.publish === undefined) return undefined;
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
  return { id: eventKey, assetName: asset.name, target: JSON.stringify(asset.publish), envelope: JSON.stringify(envelope) };
}
