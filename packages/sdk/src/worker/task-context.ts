import { encodeJson, MAX_EVENTS_PER_TRY, type EmittedEvent, type TriggeringEvent, type TryContext } from '@tradewind/protocol';
import { isAsset } from '../authoring/asset.ts';
import type { AssetEvent, DataInterval, TaskContext, TaskLog } from '../authoring/task-context.ts';
import { BadValueError, FailTask, SkipTask } from '../errors.ts';

/** What a try's context needs besides the facts of `TryContext`. */
export interface TaskContextParts {
  /** Aborts when the try is to end early. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  /** Names of the assets that the task may emit events of. */
  readonly outlets: readonly string[];
}

/** A context for one try, and the way to read what was emitted through it. */
export interface CreatedTaskContext {
  readonly context: TaskContext;
  /** The events emitted so far. Ends emitting: an `emit` after this call throws, because its event would be lost in silence. */
  readonly emitted: () => EmittedEvent[];
}

/**
 * The context of one try, as the task runner and `runDag` both hand it to the author's function.
 *
 * Throws a RangeError where a date of `tryContext` is not an ISO 8601 instant, which its sender has checked.
 */
export function createTaskContext(tryContext: TryContext, parts: TaskContextParts): CreatedTaskContext {
  const events: EmittedEvent[] = [];
  let isOver = false;
  const { dagId, runId, taskId, mapIndex, tryNumber, maxTries, params } = tryContext;
  const context: TaskContext = {
    dagId,
    runId,
    taskId,
    mapIndex,
    tryNumber,
    maxTries,
    logicalDate: instantOrNull(tryContext.logicalDate),
    dataInterval: readDataInterval(tryContext),
    runAfter: Temporal.Instant.from(tryContext.runAfter),
    params,
    signal: parts.signal,
    log: parts.log,
    emit(asset, extra) {
      if (isOver) throw new FailTask('emit() was called after the task had ended; await everything that the task starts');
      if (events.length >= MAX_EVENTS_PER_TRY) {
        throw new FailTask(
          `this is event ${events.length + 1} of one try, and at most ${MAX_EVENTS_PER_TRY} are kept; put lists into one event`,
        );
      }
      events.push({ assetName: checkOutlet(asset, parts.outlets), extraJson: encodeExtra(asset.name, extra) });
    },
    events: () => tryContext.triggeringEvents.map(readAssetEvent),
    skip(reason) {
      throw new SkipTask(reason);
    },
    fail(message) {
      throw new FailTask(message);
    },
  };
  return {
    context,
    emitted() {
      isOver = true;
      return events;
    },
  };
}

function checkOutlet(asset: unknown, outlets: readonly string[]): string {
  if (!isAsset(asset)) throw new FailTask('emit() takes an asset, as asset() returned it, and then the event’s extra');
  if (outlets.includes(asset.name)) return asset.name;
  const known = outlets.length === 0 ? 'it has none' : `they are ${outlets.map((name) => `"${name}"`).join(', ')}`;
  throw new FailTask(`asset "${asset.name}" is not one of the task’s outlets (${known}); add it to the task: outlets: [${asset.name}]`);
}

function encodeExtra(assetName: string, extra: unknown): string {
  const encoded = encodeJson(extra);
  if (encoded.ok) return encoded.json;
  throw new BadValueError(`the event of asset "${assetName}" cannot be kept: ${encoded.problem.path} ${encoded.problem.reason}`);
}

function readAssetEvent({ timestamp, ...event }: TriggeringEvent): AssetEvent {
  return { ...event, timestamp: Temporal.Instant.from(timestamp) };
}

function readDataInterval({ dataIntervalStart, dataIntervalEnd }: TryContext): DataInterval | null {
  if (dataIntervalStart === null || dataIntervalEnd === null) return null;
  return { start: Temporal.Instant.from(dataIntervalStart), end: Temporal.Instant.from(dataIntervalEnd) };
}

function instantOrNull(text: string | null): Temporal.Instant | null {
  return text === null ? null : Temporal.Instant.from(text);
}
