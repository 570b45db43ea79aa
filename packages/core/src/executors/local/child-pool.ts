/**
 * Which child runs which try.
 *
 * A child is fresh until its first try and then bound to that try's bundle version. A try goes to an idle child of its version, else to a
 * fresh one, else it waits. Children are added while a try has waited long enough to show that those that are there do not suffice, two at a
 * time at most, and end when they have been idle for long, have run many tries, hold much memory or were left in a state that another try
 * could notice. One that could run the newest version is kept ready.
 */
import { MAX_FAILURE_DETAIL_LENGTH, type Attempt, type TryFailure, type TryOutcome, type Workload } from '@tradewind/protocol';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { ProcessorLoad } from './processor-load.ts';
import { WaitingTries, type LoggedTry, type WaitingTry } from './waiting-tries.ts';

/** How many children there are and how long they live. */
export interface ChildPoolLimits {
  /** Children at the same time. */
  readonly parallelism: number;
  /** Processor cores: for tries that do nothing but compute, more children than these are of no use. */
  readonly cores: number;
  /** Children that stay ready for the newest bundle version. */
  readonly minimumSpare: number;
  /** An idle child beyond that ends after this. */
  readonly idleMs: number;
  /** A child ends after so many tries. */
  readonly maxTries: number;
  /** And after a try that leaves so much of its heap in use. */
  readonly maxHeapUsedBytes: number;
  /** A process that is not ready after this is ended. */
  readonly startTimeoutMs: number;
  /** And a try whose dag file is not imported after this. */
  readonly importTimeoutMs: number;
}

/** A child as its pool sees it (supervisor.ts). */
export interface PooledChild {
  readonly state: 'starting' | 'idle' | 'busy' | 'ending' | 'gone';
  /** How many tries it was given. */
  readonly tries: number;
  /** Why it must not be given another try; undefined where it may. */
  readonly leftBehind: string | undefined;
  readonly heapUsedBytes: number;
  /** How long the author's function of its last try took; undefined where none has ended in good order. */
  readonly lastTryMs: number | undefined;
  /** Since when it has not got on: starting, or importing the file of its try. */
  readonly stuckSinceMs: number | undefined;
  runs(attempt: Attempt): boolean;
  /** Gives an idle child a try. */
  start(one: LoggedTry): void;
  /** Ends its try, and then the child, with some time to end by itself. */
  endEarly(failure: TryFailure): void;
  /** Ends the child at once; a try that it runs fails with this. */
  condemn(failure: TryFailure): void;
  /** Ends the child at once. */
  kill(): void;
}

/** What a child tells its pool. */
export interface PooledChildEvents {
  /** It can take a try. Called before the end of the last one is told, so that the child does not wait for whoever hears of that. */
  onIdle(child: PooledChild): void;
  onStarted(workload: Workload, at: number, pid: number): void;
  onEnded(workload: Workload, at: number, outcome: TryOutcome): void;
  /** It died of an earlier try before it had entered this one: the try is as good as new. */
  onReturned(one: LoggedTry): void;
  /** It is gone; `problem` says why, where it never became ready. */
  onGone(child: PooledChild, problem: string | undefined): void;
}

/** What a pool calls. */
export interface ChildPoolParts {
  readonly limits: ChildPoolLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly createChild: (events: PooledChildEvents) => PooledChild;
  readonly onStarted: (workload: Workload, at: number, pid: number) => void;
  readonly onEnded: (workload: Workload, at: number, outcome: TryOutcome) => void;
}

/** A try that has waited longer than this shows that the children that are there do not suffice: a short task would have ended by now. */
const GROW_AFTER_MS = 15;
const MAX_STARTING = 2;
/** A pool at its limit gives a child away to another bundle version whose tries have waited this long. */
const STARVING_MS = 1_000;
/** After a process could not be started, spares wait this long; tries that wait are an own reason to start one. */
const SPARE_PAUSE_MS = 10_000;
const LONGEST_SWEEP_MS = 10_000;

/** Where a child stands in the pool. */
interface Member {
  readonly child: PooledChild;
  /** Undefined while it is fresh. */
  boundTo: string | undefined;
  /** Its first try wants to be its last. */
  isDedicated: boolean;
  idleSinceMs: number;
  startedMs: number;
}

/** The children of one executor and the tries that they run. */
export class ChildPool {
  readonly #parts: ChildPoolParts;
  readonly #members = new Map<PooledChild, Member>();
  /** Idle children; the one that was used last comes last, and is taken first, because it is warm in every cache. */
  readonly #idle = new Set<Member>();
  readonly #waiting = new WaitingTries();
  #newestVersion: string | undefined;
  /** When a look last found that those that are there suffice. */
  #enoughAtMs = Number.NEGATIVE_INFINITY;
  readonly #load: ProcessorLoad;
  #growTimer: Timer | undefined;
  #sweepTimer: Timer | undefined;
  #spareNotBeforeMs = 0;
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  /** Starts the spare children. */
  constructor(parts: ChildPoolParts) {
    this.#parts = parts;
    this.#load = new ProcessorLoad(parts.clock, parts.limits.cores, GROW_AFTER_MS);
    this.#keepSpare();
  }

  /** Runs a try as soon as there is a child for it. */
  run(one: LoggedTry): void {
    this.#newestVersion = one.workload.code.bundleVersion;
    this.#place({ ...one, sinceMs: this.#parts.clock.monotonicMs(), needsFreshChild: one.workload.isolation === 'process' });
  }

  /** Ends a try early; one that waits ends at once. */
  cancel(attempt: Attempt, failure: TryFailure): void {
    const waiting = this.#waiting.remove(attempt);
    if (waiting !== undefined) this.#fail(waiting.workload, failure);
    else for (const child of this.#members.keys()) if (child.runs(attempt)) child.endEarly(failure);
  }

  /** Ends everything and resolves when no process is left. Tries that wait are forgotten. */
  async stop(failure: TryFailure): Promise<void> {
    this.#isStopping = true;
    this.#waiting.clear();
    this.#growTimer?.cancel();
    this.#sweepTimer?.cancel();
    if (this.#members.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const child of this.#members.keys()) child.endEarly(failure);
    await empty;
  }

  #place(waiting: WaitingTry): void {
    const member = this.#findIdle(waiting);
    if (member !== undefined) {
      this.#start(member, waiting);
      return;
    }
    this.#waiting.add(waiting);
    this.#grow();
  }

  #findIdle({ workload, needsFreshChild }: WaitingTry): Member | undefined {
    let fresh: Member | undefined;
    let bound: Member | undefined;
    for (const member of this.#idle) {
      if (member.boundTo === undefined) fresh = member;
      else if (member.boundTo === workload.code.bundleVersion) bound = member;
    }
    return needsFreshChild ? fresh : (bound ?? fresh);
  }

  #start(member: Member, one: WaitingTry): void {
    this.#idle.delete(member);
    member.boundTo = one.workload.code.bundleVersion;
    member.isDedicated = one.workload.isolation === 'process';
    member.startedMs = this.#parts.clock.monotonicMs();
    member.child.start(one);
    this.#keepSpare();
  }

  #onIdle(child: PooledChild): void {
    this.#load.noteTry(child);
    const member = this.#members.get(child);
    if (member === undefined || this.#isStopping || this.#isWornOut(member) || this.#isNeededElsewhere(member)) {
      child.kill();
      this.#grow();
      return;
    }
    const next = member.boundTo === undefined ? this.#waiting.oldest() : this.#waiting.oldestFor(member.boundTo);
    if (next === undefined) {
      member.idleSinceMs = this.#parts.clock.monotonicMs();
      this.#idle.add(member);
    } else {
      this.#waiting.remove(next.workload.attempt);
      this.#start(member, next);
    }
    this.#grow();
  }

  #isWornOut({ child, isDedicated }: Member): boolean {
    const { maxTries, maxHeapUsedBytes } = this.#parts.limits;
    return isDedicated || child.leftBehind !== undefined || child.tries >= maxTries || child.heapUsedBytes >= maxHeapUsedBytes;
  }

  /** A pool at its limit must not run one bundle version for ever while tries of another one wait. */
  #isNeededElsewhere({ boundTo }: Member): boolean {
    const oldest = this.#waiting.oldest();
    if (boundTo === undefined || oldest === undefined || !this.#isFull()) return false;
    const isForAnother = oldest.needsFreshChild || oldest.workload.code.bundleVersion !== boundTo;
    return isForAnother && this.#parts.clock.monotonicMs() - oldest.sinceMs > STARVING_MS;
  }

  /** Adds a child where tries wait and those that are there do not suffice: at once where none of them could take what waits, else after a look. */
  #grow(): void {
    const oldest = this.#waiting.oldest();
    if (oldest === undefined || !this.#mayStartMore()) return;
    if (this.#canBeServed(oldest)) this.#lookLater(oldest);
    else this.#addForWaiting();
  }

  /** A look comes after the events that have arrived meanwhile, so that no try is taken for a long one whose end was not heard yet. */
  #lookLater({ sinceMs }: WaitingTry): void {
    if (this.#growTimer !== undefined) return;
    const { clock } = this.#parts;
    const delayMs = Math.max(sinceMs, this.#enoughAtMs) + GROW_AFTER_MS - clock.monotonicMs();
    this.#growTimer = clock.setTimer(Math.max(0, delayMs), () => {
      this.#growTimer = clock.setTimer(0, () => {
        this.#growTimer = undefined;
        this.#look();
      });
    });
  }

  #look(): void {
    const oldest = this.#waiting.oldest();
    if (oldest === undefined || !this.#mayStartMore()) return;
    const now = this.#parts.clock.monotonicMs();
    const areEnough = now - oldest.sinceMs < GROW_AFTER_MS || this.#load.isBound(this.#members.values());
    if (areEnough) this.#enoughAtMs = now;
    if (areEnough && this.#canBeServed(oldest)) this.#lookLater(oldest);
    else this.#addForWaiting();
  }

  #addForWaiting(): void {
    if (this.#isFull()) {
      // Idle children that could take the try would have it.
      const [unused] = this.#idle;
      if (unused === undefined) return;
      this.#retire(unused);
    }
    this.#addChild();
    this.#grow();
  }

  #mayStartMore(): boolean {
    return !this.#isStopping && this.#startingCount() < Math.min(MAX_STARTING, this.#waiting.size);
  }

  #canBeServed({ workload, needsFreshChild }: WaitingTry): boolean {
    for (const { child, boundTo } of this.#members.values()) {
      if (child.state === 'starting' || (!needsFreshChild && child.state === 'busy' && boundTo === workload.code.bundleVersion))
        return true;
    }
    return false;
  }

  /**
   * Keeps as many children ready as are wanted, which hides the tens of milliseconds that a process takes to start. While tries wait, or the processor is what they wait for, a spare child
   * is one that `#grow` has not found useful.
   */
  #keepSpare(): void {
    const { clock, limits } = this.#parts;
    if (this.#isStopping || clock.monotonicMs() < this.#spareNotBeforeMs) return;
    if (this.#waiting.size > 0 || this.#load.isBound(this.#members.values())) return;
    for (let ready = this.#readyCount() + this.#startingCount(); ready < limits.minimumSpare && !this.#isFull(); ready += 1)
      this.#addChild();
  }

  #addChild(): void {
    const { clock, createChild } = this.#parts;
    const child = createChild({
      onIdle: (one) => this.#onIdle(one),
      onStarted: this.#parts.onStarted,
      onEnded: this.#parts.onEnded,
      onReturned: (returned) => {
        if (!this.#isStopping) this.#place({ ...returned, sinceMs: clock.monotonicMs(), needsFreshChild: true });
      },
      onGone: (one, problem) => this.#onGone(one, problem),
    });
    this.#members.set(child, { child, boundTo: undefined, isDedicated: false, idleSinceMs: 0, startedMs: 0 });
    this.#sweepTimer ??= clock.setTimer(this.#sweepMs(), () => this.#sweep());
  }

  #onGone(child: PooledChild, problem: string | undefined): void {
    const member = this.#members.get(child);
    this.#members.delete(child);
    if (member !== undefined) this.#idle.delete(member);
    if (this.#isStopping) {
      if (this.#members.size === 0) this.#onEmpty?.();
      return;
    }
    if (problem !== undefined) this.#onStartFailed(problem);
    this.#grow();
    this.#keepSpare();
  }

  /** Each process that cannot be started fails one try, so that nothing waits for ever and nothing is tried in a hurry without end. */
  #onStartFailed(problem: string): void {
    this.#parts.log.error('a process for tasks could not be started', { problem });
    this.#spareNotBeforeMs = this.#parts.clock.monotonicMs() + SPARE_PAUSE_MS;
    const oldest = this.#waiting.oldest();
    if (oldest === undefined) return;
    this.#waiting.remove(oldest.workload.attempt);
    this.#fail(oldest.workload, {
      kind: 'spawn',
      message: `no process could be started for the task: ${problem}`.slice(0, MAX_FAILURE_DETAIL_LENGTH),
    });
  }

  /** Ends children that have been idle for long, and those that do not get on. */
  #sweep(): void {
    const { clock, limits } = this.#parts;
    const now = clock.monotonicMs();
    for (const { child } of this.#members.values()) {
      const stuckMs = now - (child.stuckSinceMs ?? now);
      if (child.state === 'starting' && stuckMs > limits.startTimeoutMs) child.condemn(startTimeout(limits.startTimeoutMs));
      if (child.state === 'busy' && stuckMs > limits.importTimeoutMs) child.condemn(importTimeout(limits.importTimeoutMs));
    }
    for (const member of this.#idle) {
      const isSpare = this.#isReady(member) && this.#readyCount() <= limits.minimumSpare;
      if (now - member.idleSinceMs >= limits.idleMs && !isSpare) this.#retire(member);
    }
    this.#keepSpare();
    this.#sweepTimer = this.#members.size === 0 ? undefined : clock.setTimer(this.#sweepMs(), () => this.#sweep());
  }

  #sweepMs(): number {
    return Math.min(LONGEST_SWEEP_MS, this.#parts.limits.idleMs / 2);
  }

  #retire(member: Member): void {
    this.#idle.delete(member);
    member.child.kill();
  }

  #fail(workload: Workload, failure: TryFailure): void {
    this.#parts.onEnded(workload, this.#parts.clock.now(), { result: 'failed', failure });
  }

  #isReady({ boundTo }: Member): boolean {
    return boundTo === undefined || boundTo === this.#newestVersion;
  }

  #readyCount(): number {
    return [...this.#idle].filter((member) => this.#isReady(member)).length;
  }

  #startingCount(): number {
    return this.#count((child) => child.state === 'starting');
  }

  #isFull(): boolean {
    return this.#count((child) => child.state !== 'ending') >= this.#parts.limits.parallelism;
  }

  #count(isCounted: (child: PooledChild) => boolean): number {
    let count = 0;
    for (const child of this.#members.keys()) if (isCounted(child)) count += 1;
    return count;
  }
}

function startTimeout(timeoutMs: number): TryFailure {
  return { kind: 'spawn', message: `the process was not ready after ${timeoutMs / 1_000} s; the machine may be overloaded` };
}

function importTimeout(timeoutMs: number): TryFailure {
  const message = `the dag file was not imported after ${timeoutMs / 1_000} s; a dag file may only define dags, work belongs into tasks`;
  return { kind: 'import', message };
}
