import type { Clock } from '../packages/core/src/platform/clock.ts';
import type { SeededRandom } from './seeded-random.ts';

interface PendingEvent {
  readonly at: number;
  readonly tieBreak: number;
  readonly order: number;
  readonly label: string;
  readonly fire: () => void;
  isCancelled: boolean;
}

/** A heap of everything that is going to happen, and the time. Nothing in the simulated world happens in any other way. */
export interface VirtualTime {
  readonly now: number;
  readonly steps: number;
  /** Digest of every step so far: equal digests, equal histories. */
  readonly hash: string;
  /** Plans something; events of the same instant happen in an order drawn from the seed. */
  plan(delayMs: number, label: string, fire: () => void): { cancel(): void };
  /** Lets the next event happen and everything that follows from it without further waiting. False where nothing is planned. */
  step(): Promise<boolean>;
}

/** Starts a world at an instant. */
export function createVirtualTime(random: SeededRandom, startAt: number): VirtualTime {
  const heap: PendingEvent[] = [];
  let now = startAt;
  let steps = 0;
  let order = 0;
  let hash = 0x811c9dc5;

  const note = (label: string): void => {
    const text = `${now}:${label}`;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  };
  return {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    get hash() {
      return (hash >>> 0).toString(16).padStart(8, '0');
    },
    plan(delayMs, label, fire) {
      order += 1;
      const event: PendingEvent = {
        at: now + Math.max(0, Math.ceil(delayMs)),
        tieBreak: random.fraction(),
        order,
        label,
        fire,
        isCancelled: false,
      };
      push(heap, event);
      return {
        cancel() {
          event.isCancelled = true;
        },
      };
    },
    async step() {
      let event = pop(heap);
      while (event?.isCancelled === true) event = pop(heap);
      if (event === undefined) return false;
      now = Math.max(now, event.at);
      steps += 1;
      note(event.label);
      event.fire();
      await microtasksDone();
      return true;
    },
  };
}

/** A clock whose time is the world's. Timers of a process that has died never fire: see `isAlive`. */
export function virtualClock(time: VirtualTime, process: { readonly name: string; isAlive(): boolean; delayMs(): number }): Clock {
  return {
    now: () => time.now,
    monotonicMs: () => time.now,
    setTimer(delayMs, fire) {
      const guarded = (): void => {
        if (!process.isAlive()) return;
        const pausedMs = process.delayMs();
        if (pausedMs > 0) planned = time.plan(pausedMs, `${process.name} timer after pause`, guarded);
        else fire();
      };
      let planned = time.plan(delayMs, `${process.name} timer`, guarded);
      return {
        cancel() {
          planned.cancel();
        },
      };
    },
  };
}

/** Promise reactions run before the next macrotask, and the simulated world has no other source of work. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function isBefore(a: PendingEvent, b: PendingEvent): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.tieBreak === b.tieBreak ? a.order < b.order : a.tieBreak < b.tieBreak;
}

function push(heap: PendingEvent[], event: PendingEvent): void {
  let place = heap.length;
  heap.push(event);
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(event, above)) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = event;
}

function pop(heap: PendingEvent[]): PendingEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || first === last) return first;
  let place = 0;
  for (;;) {
    const left = heap[2 * place + 1];
    const right = heap[2 * place + 2];
    const smaller = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
    if (smaller === undefined || !isBefore(smaller, last)) break;
    heap[place] = smaller;
    place = smaller === right ? 2 * place + 2 : 2 * place + 1;
  }
  heap[place] = last;
  return first;
}
