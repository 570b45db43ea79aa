import type { Attempt, Workload } from '@tradewind/protocol';
import { attemptKey } from './attempt-key.ts';
import type { TaskLog } from './task-log.ts';

/** A try and where its output goes. */
export interface LoggedTry {
  readonly workload: Workload;
  readonly log: TaskLog;
}

/** A try that no child has taken yet. */
export interface WaitingTry extends LoggedTry {
  /** By the clock that never runs backwards. */
  readonly sinceMs: number;
  /** Only a child that has run nothing yet may take it. */
  readonly needsFreshChild: boolean;
}

const FRESH_LANE = '';

/** The tries that wait for a child, oldest first, in one lane for each bundle version and one for those that need a child of their own. */
export class WaitingTries {
  readonly #lanes = new Map<string, Map<string, WaitingTry>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(waiting: WaitingTry): void {
    const lane = laneOf(waiting);
    const tries = this.#lanes.get(lane) ?? new Map<string, WaitingTry>();
    this.#lanes.set(lane, tries);
    tries.set(attemptKey(waiting.workload.attempt), waiting);
    this.#size += 1;
  }

  /** The one that has waited longest. */
  oldest(): WaitingTry | undefined {
    let oldest: WaitingTry | undefined;
    for (const tries of this.#lanes.values()) {
      const [first] = tries.values();
      if (first !== undefined && (oldest === undefined || first.sinceMs < oldest.sinceMs)) oldest = first;
    }
    return oldest;
  }

  /** The oldest that a child which is bound to a bundle version can take. */
  oldestFor(bundleVersion: string): WaitingTry | undefined {
    const [first] = this.#lanes.get(bundleVersion)?.values() ?? [];
    return first;
  }

  /** @returns the try, where it was waiting */
  remove(attempt: Attempt): WaitingTry | undefined {
    const key = attemptKey(attempt);
    for (const [lane, tries] of this.#lanes) {
      const waiting = tries.get(key);
      if (waiting === undefined) continue;
      tries.delete(key);
      if (tries.size === 0) this.#lanes.delete(lane);
      this.#size -= 1;
      return waiting;
    }
    return undefined;
  }

  clear(): void {
    this.#lanes.clear();
    this.#size = 0;
  }
}

function laneOf({ workload, needsFreshChild }: WaitingTry): string {
  return needsFreshChild ? FRESH_LANE : workload.code.bundleVersion;
}
