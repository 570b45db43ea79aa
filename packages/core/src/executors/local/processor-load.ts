import type { Clock } from '../../platform/clock.ts';

/** Tries that end within this hold up each other by what they cost the processor and not by waiting. */
const BRIEF_TRY_MS = 3;
/** A start or an import that takes longer waits for something. */
const LONG_START_MS = 1_000;
/** How much a try that took longer says of the next ones. A shorter one says everything: what it took is what a try takes that has the processor to itself. */
const LAST_TRY_WEIGHT = 0.02;

/** A child and when it was given its last try. */
export interface StartedChild {
  readonly child: { readonly state: string; readonly stuckSinceMs: number | undefined };
  readonly startedMs: number;
}

/** Whether it is the processor that tries wait for, and not what they themselves wait for. */
export class ProcessorLoad {
  readonly #clock: Clock;
  readonly #cores: number;
  readonly #longTryMs: number;
  /** How long a try takes, as the last ones have shown. */
  #usualTryMs = Number.POSITIVE_INFINITY;

  /** @param longTryMs a try that has taken so long is not one of the brief ones, whatever the last ones were */
  constructor(clock: Clock, cores: number, longTryMs: number) {
    this.#clock = clock;
    this.#cores = cores;
    this.#longTryMs = longTryMs;
  }

  /** Learns from a try that has ended. */
  noteTry({ lastTryMs }: { readonly lastTryMs: number | undefined }): void {
    if (lastTryMs === undefined) return;
    const before = Math.min(this.#usualTryMs, lastTryMs);
    this.#usualTryMs = before + (lastTryMs - before) * LAST_TRY_WEIGHT;
  }

  /** Whether another child would only get in the way of these: as many as there are cores are starting, importing or running one brief try after the other. */
  isBound(children: Iterable<StartedChild>): boolean {
    const now = this.#clock.monotonicMs();
    let computing = 0;
    for (const child of children) if (this.#computes(child, now)) computing += 1;
    return computing >= this.#cores;
  }

  #computes({ child, startedMs }: StartedChild, now: number): boolean {
    if (child.stuckSinceMs !== undefined) return now - child.stuckSinceMs < LONG_START_MS;
    return child.state === 'busy' && this.#usualTryMs < BRIEF_TRY_MS && now - startedMs < this.#longTryMs;
  }
}
