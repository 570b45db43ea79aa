/**
 * How the events that wait in the queue of a dag become runs (adr/0012): a walk over the events in the order of their commits. What has been walked over leaves
 * nothing behind but the events that no run has taken yet, so it does not matter where one pass ends and the next begins, nor who makes them.
 *
 *   each event:  enters ──▸ completes the condition? ──▸ a run takes one event of each asset that the condition needs (`each_event`)
 *                                                   └──▸ the batch stays open until its window is over or it is full, then a run takes all (`batch`)
 */
import {
  assetLeaves,
  conditionOf,
  DEFAULT_BATCH_MAX_EVENTS,
  isAssetConditionGroup,
  isMeantBy,
  type AssetCondition,
  type AssetReference,
  type MatchedAsset,
  type SerializedAssetSchedule,
} from '@tradewind/protocol';

/** An event that waits in the queue of a dag. */
export interface QueuedEvent extends MatchedAsset {
  /** In the order of the commits. */
  readonly position: number;
  /** Milliseconds since the epoch; never falls from one position to the next. */
  readonly queuedAt: number;
}

/** A run, and the events that it takes, oldest first. The newest of them is the one that triggers it. */
export interface DecidedAssetRun<Event extends QueuedEvent> {
  readonly events: readonly [Event, ...Event[]];
  /** When it was due, in milliseconds since the epoch: a function of the events, whoever decides and whenever. */
  readonly dueAt: number;
}

/** What follows from the events up to a position. */
export interface AssetRunDecisions<Event extends QueuedEvent> {
  readonly runs: readonly DecidedAssetRun<Event>[];
  /** Events that the schedule does not ask for, or not any more: nobody will take them. */
  readonly unwanted: readonly Event[];
  /** When the open batch closes; undefined where time alone changes nothing. */
  readonly nextDueAt: number | undefined;
}

/** What is decided about. */
export interface AssetRunQuestion<Event extends QueuedEvent> {
  /** The events that no run has taken, in order. */
  readonly waiting: readonly Event[];
  /** The last position that was decided about before. */
  readonly decidedPosition: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Decides about every event behind `decidedPosition`, and about the open batch at `now`. */
export function decideAssetRuns<Event extends QueuedEvent>(
  schedule: SerializedAssetSchedule,
  { waiting, decidedPosition, now }: AssetRunQuestion<Event>,
): AssetRunDecisions<Event> {
  const leaves = assetLeaves(conditionOf(schedule));
  const isWanted = (event: Event): boolean => leaves.some((leaf) => isMeantBy(leaf, event));
  const unwanted = waiting.filter((event) => !isWanted(event));
  const queue = createQueue<Event>(schedule);
  const runs: DecidedAssetRun<Event>[] = [];
  for (const event of waiting.filter(isWanted)) {
    if (event.position > decidedPosition) runs.push(...queue.closeOverdue(event.queuedAt));
    queue.add(event);
    if (event.position > decidedPosition) runs.push(...queue.closeComplete(event.queuedAt));
  }
  runs.push(...queue.closeOverdue(now));
  return { runs, unwanted, nextDueAt: queue.dueAt() };
}

interface Queue<Event extends QueuedEvent> {
  add(event: Event): void;
  /** The runs whose batches were over by `at` without a further event. */
  closeOverdue(at: number): readonly DecidedAssetRun<Event>[];
  /** The runs that are due now that an event has come at `at`. */
  closeComplete(at: number): readonly DecidedAssetRun<Event>[];
  dueAt(): number | undefined;
}

function createQueue<Event extends QueuedEvent>(schedule: SerializedAssetSchedule): Queue<Event> {
  const { runs = 'each_event', batchWindowMs, batchMaxEvents } = schedule;
  const most = runs === 'batch' ? (batchMaxEvents ?? DEFAULT_BATCH_MAX_EVENTS) : 0;
  const staysOpen = runs === 'batch' && (batchWindowMs !== undefined || batchMaxEvents !== undefined);
  const condition = conditionOf(schedule);
  let waiting: Event[] = [];
  const dueAt = (): number | undefined => {
    const [first] = waiting;
    if (batchWindowMs === undefined || first === undefined || choose(condition, waiting) === undefined) return undefined;
    return first.queuedAt + batchWindowMs;
  };
  const take = (chosen: ReadonlySet<Event>, at: number): DecidedAssetRun<Event>[] => {
    const taken = new Set(chosen);
    for (const event of waiting) if (taken.size < most) taken.add(event);
    const events = waiting.filter((event) => taken.has(event));
    waiting = waiting.filter((event) => !taken.has(event));
    const [first, ...rest] = events;
    return first === undefined ? [] : [{ events: [first, ...rest], dueAt: Math.max(at, events.at(-1)?.queuedAt ?? at) }];
  };
  const closeWhile = (dueNow: () => number | undefined): readonly DecidedAssetRun<Event>[] => {
    const closed: DecidedAssetRun<Event>[] = [];
    for (;;) {
      const at = dueNow();
      const chosen = at === undefined ? undefined : choose(condition, waiting);
      if (at === undefined || chosen === undefined) return closed;
      closed.push(...take(chosen, at));
    }
  };
  const isClosing = (): boolean => !staysOpen || waiting.length >= most;
  const overdue = (at: number) => (): number | undefined => {
    const due = dueAt();
    return due !== undefined && due <= at ? due : undefined;
  };
  return {
    add: (event) => waiting.push(event),
    closeOverdue: (at) => closeWhile(overdue(at)),
    closeComplete: (at) => closeWhile(() => (isClosing() || overdue(at)() !== undefined ? at : undefined)),
    dueAt,
  };
}

/**
 * The events that fulfil a condition, one for each asset that it needs: the oldest of each, and of several ways the one that was complete first.
 * @returns undefined where they do not fulfil it
 */
function choose<Event extends QueuedEvent>(condition: AssetCondition, waiting: readonly Event[]): ReadonlySet<Event> | undefined {
  if (typeof condition === 'string' || !isAssetConditionGroup(condition)) return chooseOldest(condition, waiting);
  if (condition.any !== undefined) return chooseEarliest(condition.any, waiting);
  const chosen = condition.all.map((nested) => choose(nested, waiting));
  const complete = chosen.filter((events) => events !== undefined);
  return complete.length < chosen.length ? undefined : new Set(complete.flatMap((events) => [...events]));
}

function chooseOldest<Event extends QueuedEvent>(leaf: string | AssetReference, waiting: readonly Event[]): ReadonlySet<Event> | undefined {
  const oldest = waiting.find((event) => isMeantBy(leaf, event));
  return oldest === undefined ? undefined : new Set([oldest]);
}

function chooseEarliest<Event extends QueuedEvent>(
  conditions: readonly AssetCondition[],
  waiting: readonly Event[],
): ReadonlySet<Event> | undefined {
  let earliest: { readonly events: ReadonlySet<Event>; readonly position: number } | undefined;
  for (const condition of conditions) {
    const events = choose(condition, waiting);
    if (events === undefined) continue;
    const position = Math.max(...Array.from(events, (event) => event.position));
    if (earliest === undefined || position < earliest.position) earliest = { events, position };
  }
  return earliest?.events;
}
