import type { Clock } from '../platform/clock.ts';

/** Lets a loop rest until somebody has something for it. A wake that comes while the loop works is kept for its next rest. */
export interface WakeUp {
  wake(): void;
  /** Rests until woken, at most `delayMs`, or until `signal` aborts. */
  rest(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** A wake-up that nobody has called yet. */
export function createWakeUp(clock: Clock): WakeUp {
  let isWanted = false;
  let endRest: (() => void) | undefined;
  return {
    wake() {
      isWanted = true;
      endRest?.();
    },
    async rest(delayMs, signal) {
      if (!isWanted && !signal.aborted) {
        const rest = Promise.withResolvers<void>();
        endRest = rest.resolve;
        const timer = clock.setTimer(delayMs, rest.resolve);
        signal.addEventListener('abort', endRest, { once: true });
        await rest.promise;
        timer.cancel();
        signal.removeEventListener('abort', endRest);
        endRest = undefined;
      }
      isWanted = false;
    },
  };
}
