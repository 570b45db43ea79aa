import { performance } from 'node:perf_hooks';
import { sleep, type Clock } from './clock.ts';

/** What decides when memory is returned, and how. */
export interface MemoryReturn {
  readonly clock: Clock;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** The share of the time since it was last asked in which this process did something, from 0 to 1. @default that of Node's event loop */
  readonly takeBusyShare?: () => number;
  /** @default has V8 collect all garbage and give its empty pages back, which stops this process for about 80 ms where the heap is small */
  readonly collect?: () => Promise<void>;
}

/** Whoever has just started something is likely to use it at once. */
const WINDOW_MS = 1_000;
const QUIET_SHARE = 0.1;

/**
 * Returns the memory to the system that only the start of this process needed, the first time that it has done next to nothing for a second. V8 would keep the room
 * that it made for what is created while modules are loaded, some 30 MB, for as long as little is created afterwards. Resolves when that is done, or `signal` aborts.
 */
export async function returnMemoryWhenQuiet({
  clock,
  signal,
  takeBusyShare = busyShareOfEventLoop(),
  collect = collectGarbage,
}: MemoryReturn): Promise<void> {
  takeBusyShare();
  while (!signal.aborted) {
    await sleep(clock, WINDOW_MS, signal);
    if (takeBusyShare() >= QUIET_SHARE || signal.aborted) continue;
    await collect();
    return;
  }
}

function busyShareOfEventLoop(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** The inspector's way is the only one that Node documents; a Node without an inspector keeps the memory. */
async function collectGarbage(): Promise<void> {
  if (!process.features.inspector) return;
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
