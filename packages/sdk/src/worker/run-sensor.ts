import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { SerializedSensor, TryContext } from '@tradewind/protocol';
import type { TaskHandler } from '../authoring/definition.ts';
import { showValue } from '../authoring/show-value.ts';
import type { TaskContext } from '../authoring/task-context.ts';
import { FailTask, SkipTask, tryEndingOf } from '../errors.ts';

/** Time as a sensor needs it. */
export interface SensorClock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Rejects with the signal's reason when that aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The machine's. */
export const REAL_CLOCK: SensorClock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => setTimeout(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal }),
};

/** Node takes longer ones for 1 ms. */
const LONGEST_TIMER_MS = 2_147_483_647;
const SHORTEST_BACKOFF_MS = 1_000;

/** What a sensor answers that wants its slot back later. */
export class Rescheduled {
  /** Epoch milliseconds. */
  readonly at: number;

  constructor(at: number) {
    this.at = at;
  }
}

/** What was found: the sensor is done. */
interface Found {
  readonly value: unknown;
}

/**
 * A sensor's code as that of a task: pokes until something is found, and returns its value. In `reschedule` mode it pokes once and returns when it is to be called
 * again. Time is counted from when the task instance first entered its code, over reschedules and retries.
 */
export function sensorHandler(sensor: SerializedSensor, poke: TaskHandler, tryContext: TryContext, clock: SensorClock): TaskHandler {
  return async (inputs, given) => {
    const context = given as TaskContext;
    const startedAt = tryContext.firstStartedAt ?? clock.now();
    const endsAt = startedAt + sensor.timeoutMs;
    for (let pokes = (tryContext.rescheduleCount ?? 0) + 1; ; pokes += 1) {
      const found = await pokeOnce(sensor, () => poke(inputs, context), context);
      if (found !== undefined) return found.value;
      const now = clock.now();
      if (now >= endsAt) throw timeout(sensor, pokes);
      // Asked a last time at the very end, and not some way after it.
      const next = Math.min(now + waitBefore(sensor, pokes + 1, tryContext), endsAt);
      if (sensor.mode === 'reschedule') return new Rescheduled(next);
      await clock.sleep(next - now, context.signal);
    }
  };
}

/** Asks once; undefined where it is not there yet. */
async function pokeOnce({ onFailure }: SerializedSensor, poke: () => unknown, context: TaskContext): Promise<Found | undefined> {
  try {
    return readAnswer(await poke());
  } catch (error) {
    const ending = tryEndingOf(error);
    // Who ends the try is no failure of the sensor.
    if (ending === 'skipped' || context.signal.aborted) throw error;
    if (ending === 'fail_without_retry') throw onFailure === 'soft' || onFailure === 'never' ? skipFor(onFailure, error) : error;
    if (onFailure === 'never') throw skipFor(onFailure, error);
    if (onFailure !== 'silent') throw error;
    context.log.error('the sensor failed to look and will look again', { error: String(error) });
    return undefined;
  }
}

function readAnswer(answer: unknown): Found | undefined {
  if (typeof answer === 'boolean') return answer ? { value: null } : undefined;
  const { done, value } = (typeof answer === 'object' && answer !== null ? answer : {}) as { done?: unknown; value?: unknown };
  if (typeof done === 'boolean') return done ? { value } : undefined;
  throw new FailTask(`poke returned ${showValue(answer)}; it must return true, false or { done, value }`);
}

function skipFor(onFailure: string, error: unknown): SkipTask {
  return new SkipTask(`the sensor failed, and onFailure is '${onFailure}': ${error instanceof Error ? error.message : showValue(error)}`);
}

function timeout({ timeoutMs, onFailure }: SerializedSensor, pokes: number): FailTask | SkipTask {
  const message = `the sensor found nothing within ${timeoutMs / 1_000} seconds and ${pokes} pokes`;
  return onFailure === 'soft' || onFailure === 'never' ? new SkipTask(message) : new FailTask(message);
}

/**
 * The wait before a poke, from the second one on. With back-off it doubles, and varies within one doubling by the task and the moment it started, so that many
 * sensors spread out and one of them always waits the same (Airflow, `BaseSensorOperator._get_next_poke_interval`).
 */
function waitBefore(
  { pokeIntervalMs, exponentialBackoff, maxWaitMs, timeoutMs }: SerializedSensor,
  poke: number,
  tryContext: TryContext,
): number {
  const longestMs = maxWaitMs ?? timeoutMs;
  if (exponentialBackoff !== true) return Math.min(pokeIntervalMs, maxWaitMs ?? pokeIntervalMs);
  const baseMs = Math.max(SHORTEST_BACKOFF_MS, pokeIntervalMs * 2 ** (poke - 2));
  if (baseMs >= longestMs) return longestMs;
  const { dagId, taskId, runId, mapIndex } = tryContext;
  const hash = createHash('sha1').update([dagId, taskId, runId, mapIndex, poke].join('#')).digest();
  return Math.min(baseMs + (hash.readUInt32BE() % Math.ceil(baseMs)), longestMs);
}
