import { createHash } from 'node:crypto';
import { assetScheduleOf, decodeJson, type SerializedAssetSchedule, type SerializedDag } from '@tradewind/protocol';
import { decideAssetRuns, type DecidedAssetRun, type QueuedEvent } from '../model/decide-asset-runs.ts';
import { decideRunRequest, eventRunId, mergeEventData } from '../model/run-request.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { refuseOrphanedRequests } from '../store/transitions/refuse-orphaned-requests.ts';
import {
  selectDecidableQueues,
  selectEventExtras,
  selectNextBatchDueAt,
  selectWaitingEvents,
  takeQueuedEvents,
  type DecidableQueue,
  type DecidedRunRequest,
  type QueueDecision,
  type QueueExtent,
  type WaitingEvent,
} from '../store/transitions/take-queued-events.ts';

/** Most dags whose queues are decided about in one pass, and most new events of each: what is left is for the next pass, which follows at once. */
const MOST_QUEUES = 50;
const MOST_NEW_EVENTS = 500;
/** A dag file that is moved or deployed anew takes its dags away for a moment; what they wait for is kept for this long. */
const ORPHAN_GRACE_MS = 600_000;
const SWEEP_INTERVAL_MS = 60_000;

/** How far the decisions about queued events are. */
export interface QueueProgress {
  /** When the next open batch closes; undefined where none is open. */
  nextDueAt: number | undefined;
  /** When requests of dags that are gone are looked for again. */
  nextSweepAt: number;
}

/** Nothing is known yet: the first pass looks. */
export function createQueueProgress(): QueueProgress {
  return { nextDueAt: undefined, nextSweepAt: 0 };
}

/** The part of the scheduler's state that this step needs. */
export interface QueueDecisionState {
  readonly parts: { readonly database: Database; readonly random: Random; readonly log: Log };
  /** Whether something happened that may have queued events. */
  mayStartRuns: boolean;
  readonly queues: QueueProgress;
}

/**
 * Turns events that wait in the queues of dags into requests of runs, as their schedules say (adr/0012). Comes before `startRuns`, which makes the runs. Every scheduler does
 * this; of two that decide about one queue, one writes, and both would have written the same.
 */
export async function decideQueuedEvents(state: QueueDecisionState, now: number): Promise<void> {
  const { queues } = state;
  const isDue = queues.nextDueAt !== undefined && now >= queues.nextDueAt;
  if (!isDue && !state.mayStartRuns) return;
  await refuseOrphans(state, now);
  const { database, random } = state.parts;
  const [decidable] = await database.batch([selectDecidableQueues(now, MOST_QUEUES)]);
  if (decidable.length > 0) {
    const decisions = await decide(state, decidable, now);
    await database.batch(takeQueuedEvents(random.uuid(), decisions));
    // Whoever lost against another scheduler looks again, and so does whoever left events behind.
    state.mayStartRuns = true;
  }
  const [[next]] = await database.batch([selectNextBatchDueAt()]);
  queues.nextDueAt = decidable.length > 0 ? now : (next?.at ?? undefined);
}

async function refuseOrphans({ parts, queues }: QueueDecisionState, now: number): Promise<void> {
  if (now < queues.nextSweepAt) return;
  const [, refused] = await parts.database.batch(refuseOrphanedRequests(now, now - ORPHAN_GRACE_MS));
  queues.nextSweepAt = now + SWEEP_INTERVAL_MS;
  for (const { dagId, runId } of refused) parts.log.warning('a run was asked for of a dag that is gone; it is refused', { dagId, runId });
}

/** An event in the shape in which the model decides about it. */
interface KnownEvent extends QueuedEvent {
  readonly eventKey: string;
}

interface ReadQueue {
  readonly queue: DecidableQueue;
  /** Undefined where the dag is not scheduled on assets any more: then nobody asks for the events. */
  readonly schedule: SerializedAssetSchedule | undefined;
  readonly dag: SerializedDag;
  /** The last place that is decided about. */
  readonly toPosition: number;
}

async function decide({ parts }: QueueDecisionState, decidable: readonly DecidableQueue[], now: number): Promise<QueueDecision[]> {
  const read = decidable.map(readQueue);
  const [waiting] = await parts.database.batch([selectWaitingEvents(read.map(extentOf))]);
  const byDag = Map.groupBy(waiting, ({ dagId }) => dagId);
  const decided = read.map((known) => ({ ...known, ...decideOne(known, byDag.get(known.queue.dagId) ?? [], now) }));
  const keys = decided.flatMap(({ runs }) => runs.flatMap(({ events }) => events.map(({ eventKey }) => eventKey)));
  const [extras] = await parts.database.batch([selectEventExtras([...new Set(keys)])]);
  const extraOf = new Map(extras.map(({ eventKey, extra }) => [eventKey, extra]));
  return decided.map(({ queue, dag, toPosition, runs, unwanted, nextDueAt, isClosedByTime }) => ({
    dagId: queue.dagId,
    revision: queue.revision,
    dagVersionId: queue.dagVersionId,
    decidedPosition: toPosition,
    nextDueAt: nextDueAt ?? null,
    closedAt: Math.max(0, ...runs.map(({ dueAt }) => dueAt)),
    lastKnownPosition: isClosedByTime ? queue.lastPosition : null,
    runs: runs.map((run) => requestOf(run, { id: parts.random.uuid(), dag, extraOf })),
    unwanted: unwanted.map(({ position }) => position),
  }));
}

function readQueue(queue: DecidableQueue): ReadQueue {
  const dag = decodeJson(queue.serialized) as unknown as SerializedDag;
  const toPosition = Math.min(queue.lastPosition, queue.decidedPosition + MOST_NEW_EVENTS);
  return { queue, schedule: assetScheduleOf(dag.schedule), dag, toPosition };
}

/** A run of `each_event` takes one event of an asset, so of what waits as many of each are read as there may be runs; a batch may take anything. */
function extentOf({ queue: { dagId, decidedPosition }, schedule, toPosition }: ReadQueue): QueueExtent {
  const mostOfAsset = schedule?.runs === 'batch' ? Number.MAX_SAFE_INTEGER : MOST_NEW_EVENTS;
  return { dagId, decidedPosition, toPosition, mostOfAsset };
}

function decideOne({ queue, schedule, toPosition }: ReadQueue, rows: readonly WaitingEvent[], now: number) {
  const waiting = rows.map((row): KnownEvent => ({ ...row, aliases: JSON.parse(row.aliases) as string[] }));
  if (schedule === undefined) return { runs: [], unwanted: waiting, nextDueAt: undefined, isClosedByTime: false };
  const { decidedPosition } = queue;
  // The clock closes a batch only where every event up to now is known.
  const untilLast = waiting.at(-1)?.queuedAt ?? 0;
  const byEvents = decideAssetRuns(schedule, { waiting, decidedPosition, now: untilLast });
  if (toPosition < queue.lastPosition || now <= untilLast) return { ...byEvents, isClosedByTime: false };
  const byTime = decideAssetRuns(schedule, { waiting, decidedPosition, now });
  return { ...byTime, isClosedByTime: byTime.runs.length > byEvents.runs.length };
}

function requestOf(
  { events, dueAt }: DecidedAssetRun<KnownEvent>,
  { id, dag, extraOf }: { readonly id: string; readonly dag: SerializedDag; readonly extraOf: ReadonlyMap<string, string> },
): DecidedRunRequest {
  const keys = events.map(({ eventKey }) => eventKey);
  const data = mergeEventData(keys.map((key) => decodeJson(extraOf.get(key) ?? 'null')));
  return {
    id,
    runId: eventRunId(createHash('sha256').update(keys.join('\n')).digest('hex')),
    eventKey: keys.at(-1) ?? '',
    positions: events.map(({ position }) => position),
    requestedAt: dueAt,
    ...decideRunRequest(dag, data),
  };
}
