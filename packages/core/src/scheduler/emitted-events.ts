import { createHash } from 'node:crypto';
import type { CloudEvent, EmittedEvent } from '@tradewind/protocol';
import { decodeJson } from '@tradewind/protocol';
import {
  enqueueOutgoingEvents,
  recordAssetEvents,
  type EmittedAssetEvent,
  type OutgoingEvent,
} from '../store/transitions/record-emitted-events.ts';
import { attemptOf } from './active-run.ts';
import type { TickStatement } from './commit-tick.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/**
 * The part of a tick that records emitted events: an asset event each, a message in the outbox where the asset is published, a run request for each
 * dag of this environment that is scheduled on the asset. All of it in the transaction of the task's success.
 */
export function eventStatements(state: SchedulerState, plan: TickPlan): readonly TickStatement[] {
  const recorded: EmittedAssetEvent[] = [];
  const outgoing: OutgoingEvent[] = [];
  for (const { run, task, events } of plan.emitted) {
    for (const [place, event] of events.entries()) {
      const eventKey = keyOf(state, { run, task }, place);
      recorded.push({ ...attemptOf(task), eventKey, assetName: event.assetName, extra: event.extraJson });
      const message = messageOf(state, plan, { run, task, event, eventKey });
      if (message !== undefined) outgoing.push(message);
    }
  }
  return [
    { step: 'events', statement: recordAssetEvents(plan.now, recorded) },
    ...(outgoing.length > 0 ? [{ step: 'outgoing', statement: enqueueOutgoingEvents(plan.now, outgoing) } as const] : []),
  ];
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
