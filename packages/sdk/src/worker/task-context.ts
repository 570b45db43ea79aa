import type { EmittedEvent, TryContext } from '@tradewind/protocol';
import { ASK } from '../authoring/ask-environment.ts';
import type { DataInterval, TaskContext, TaskLog } from '../authoring/task-context.ts';
import { FailTask, SkipTask } from '../errors.ts';
import { createAssetAccess } from './asset-access.ts';
import { askNobody, createEnvironmentAccess } from './environment-access.ts';
import type { Ask } from './request-channel.ts';

/** What a try's context needs besides the facts of `TryContext`. */
export interface TaskContextParts {
  /** Aborts when the try is to end early. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  /** Names of the assets that the task may emit events of. */
  readonly outlets: readonly string[];
  /** Names of the aliases that it may emit events through. @default [] */
  readonly outletAliases?: readonly string[];
  /** Names of the assets that it may read events of. @default [] */
  readonly inlets?: readonly string[];
  /** Asks the environment. @default there is none, and every question is refused */
  readonly ask?: Ask;
}

/** A context for one try, and the way to read what was emitted through it. */
export interface CreatedTaskContext {
  readonly context: TaskContext;
  /**
   * The events of a try that succeeds now: those emitted, and one for each outlet about which nothing was said. Ends emitting: an `emit` after this call throws, because
   * its event would be lost in silence.
   */
  readonly emitted: () => EmittedEvent[];
}

/**
 * The context of one try, as the task runner and `runDag` both hand it to the author's function.
 *
 * Throws a RangeError where a date of `tryContext` is not an ISO 8601 instant, which its sender has checked.
 */
export function createTaskContext(tryContext: TryContext, parts: TaskContextParts): CreatedTaskContext {
  const ask = parts.ask ?? askNobody;
  const assets = createAssetAccess({ ...parts, triggeringEvents: tryContext.triggeringEvents, ask });
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
    fields: {},
    ...createEnvironmentAccess(ask, taskId),
    ...assets.access,
    skip(reason) {
      throw new SkipTask(reason);
    },
    fail(message) {
      throw new FailTask(message);
    },
  };
  Object.defineProperty(context, ASK, { value: ask });
  return { context, emitted: assets.emitted };
}

function readDataInterval({ dataIntervalStart, dataIntervalEnd }: TryContext): DataInterval | null {
  if (dataIntervalStart === null || dataIntervalEnd === null) return null;
  return { start: Temporal.Instant.from(dataIntervalStart), end: Temporal.Instant.from(dataIntervalEnd) };
}

function instantOrNull(text: string | null): Temporal.Instant | null {
  return text === null ? null : Temporal.Instant.from(text);
}
