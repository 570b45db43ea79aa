import type { TriggerChildMessage, TriggerEvent, TriggerWork } from '@tradewind/protocol';
import type { ChildEnd } from '../author-child.ts';
import type { TriggerChild, TriggerChildEvents } from '../trigger-pool.ts';

/** A trigger child that the test plays. */
export interface PlayedChild {
  /** The triggers that it runs, by number, in the order in which they came. */
  readonly running: Map<number, TriggerWork>;
  readonly pings: number[];
  isKilled: boolean;
  say(message: TriggerChildMessage): void;
  fire(name: string, event: TriggerEvent): void;
  ready(): void;
  /** Ends the process. */
  die(end?: Partial<ChildEnd>): void;
}

/** Children that the test plays, oldest first; those that are gone stay in the list. */
export function playChildren(): {
  readonly children: readonly PlayedChild[];
  readonly start: (events: TriggerChildEvents) => TriggerChild;
} {
  const children: PlayedChild[] = [];
  return {
    children,
    start(events) {
      const running = new Map<number, TriggerWork>();
      const pings: number[] = [];
      let isGone = false;
      const die = (end: Partial<ChildEnd> = {}): void => {
        if (isGone) return;
        isGone = true;
        events.onGone({ wasReady: true, problem: 'it died', ...end });
      };
      const played: PlayedChild = {
        running,
        pings,
        isKilled: false,
        say: events.onMessage,
        ready: events.onReady,
        fire(name, event) {
          const found = [...running.values()].find((work) => work.name === name);
          if (found === undefined)
            throw new Error(`no trigger ${name} runs here; there are ${[...running.values()].map((work) => work.name).join(', ')}`);
          running.delete(found.triggerId);
          events.onMessage({ type: 'fired', triggerId: found.triggerId, event });
        },
        die,
      };
      children.push(played);
      return {
        run: (works) => works.forEach((work) => running.set(work.triggerId, work)),
        cancel: (ids) => ids.forEach((id) => running.delete(id)),
        ping: (number) => pings.push(number),
        kill() {
          played.isKilled = true;
          // As a process, it ends a little later than it is told to.
          queueMicrotask(() => die());
        },
      };
    },
  };
}
