/**
 * Tells whose code an event loop is running, and lets a thread beside the loop say so while the loop is blocked.
 *
 * Every asynchronous resource remembers in whose scope it was made; when its callback runs, that owner's number stands in memory that the thread shares. The loop counts up in
 * there too; where it does not for long, the thread reports the owner. Both write to the same descriptor, one message at a time: a third number is the lock.
 */
import { AsyncResource, createHook, executionAsyncResource } from 'node:async_hooks';
import { Worker } from 'node:worker_threads';

/** Places in the shared memory. */
export const BEAT = 0;
export const OWNER_PLACE = 1;
const WRITING = 2;
const PLACES = 3;

/** How often the loop shows that it turns. */
const BEAT_MS = 100;

const OWNER: unique symbol = Symbol('owner');

type Owned = object & { [OWNER]?: number };

/** A watch on the event loop of this process. */
export interface LoopWatch {
  /** Runs a function, and everything that follows from it, as an owner's. Owners are numbers from 1. */
  enter<Result>(owner: number, run: () => Result): Result;
  /** Whose code runs now; 0 for nobody's. */
  currentOwner(): number;
  /** Runs a function while the thread writes nothing. */
  exclusively(write: () => void): void;
}

/** Starts the watch and its thread. Call it once in a process. */
export function watchLoop(): LoopWatch {
  const shared = new Int32Array(new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT));
  followOwners(shared);
  setInterval(() => Atomics.add(shared, BEAT, 1), BEAT_MS).unref();
  const thread = new Worker(new URL('loop-watch-thread.ts', import.meta.url), { workerData: shared });
  thread.unref();
  return {
    enter(owner, run) {
      const resource: AsyncResource & Owned = new AsyncResource('TRADEWIND_OWNER');
      resource[OWNER] = owner;
      return resource.runInAsyncScope(run);
    },
    currentOwner: () => (executionAsyncResource() as Owned)[OWNER] ?? Atomics.load(shared, OWNER_PLACE),
    exclusively(write) {
      lock(shared);
      try {
        write();
      } finally {
        unlock(shared);
      }
    },
  };
}

/** Waits until the other side writes nothing. */
export function lock(shared: Int32Array): void {
  while (Atomics.compareExchange(shared, WRITING, 0, 1) !== 0) Atomics.wait(shared, WRITING, 1);
}

/** Lets the other side write. */
export function unlock(shared: Int32Array): void {
  Atomics.store(shared, WRITING, 0);
  Atomics.notify(shared, WRITING, 1);
}

function followOwners(shared: Int32Array): void {
  createHook({
    init(_asyncId, _type, _triggerAsyncId, resource: Owned) {
      const owner = (executionAsyncResource() as Owned)[OWNER];
      if (owner !== undefined) resource[OWNER] = owner;
    },
    before() {
      Atomics.store(shared, OWNER_PLACE, (executionAsyncResource() as Owned)[OWNER] ?? 0);
    },
    after() {
      Atomics.store(shared, OWNER_PLACE, 0);
    },
  }).enable();
}
