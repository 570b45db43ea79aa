/**
 * Which child runs which trigger.
 *
 * A child runs triggers of one bundle version, many on its event loop. Where its loop is blocked, the trigger whose code blocks it keeps the child to itself and the others are moved to another one. Where a
 * child dies and nobody knows of which trigger, all of them are suspects: they are started again in smaller groups, an eighth of the size each time, until the guilty one dies
 * alone and fires with a failure. A trigger may therefore be started more than once; it fires once.
 */
import type { LogRecord, TriggerChildMessage, TriggerEvent, TriggerWork } from '@tradewind/protocol';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { ChildEnd } from './author-child.ts';

/** A process for triggers, as the pool sees it. */
export interface TriggerChild {
  run(triggers: readonly TriggerWork[]): void;
  cancel(triggerIds: readonly number[]): void;
  ping(number: number): void;
  /** Ends it at once; `onGone` follows. */
  kill(): void;
}

/** What a child tells the pool. */
export interface TriggerChildEvents {
  readonly onReady: () => void;
  readonly onMessage: (message: TriggerChildMessage) => void;
  readonly onGone: (end: ChildEnd) => void;
}

/** What a pool is given. */
export interface TriggerPoolParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly createChild: (events: TriggerChildEvents) => TriggerChild;
  /** Called once for each trigger that was not cancelled. */
  readonly onFired: (triggerId: number, event: TriggerEvent) => void;
  readonly onLog: (triggerId: number, record: LogRecord) => void;
  /** Most triggers of one child. @default 1_000 */
  readonly triggersPerChild?: number;
}

const DEFAULT_TRIGGERS_PER_CHILD = 1_000;
/** How often children are asked for a sign of life. A loop that owes two of them is blocked. */
export const PING_MS = 1_000;
const PINGS_OWED_WHEN_BLOCKED = 2;
/** By how much the groups of suspects shrink. */
const SHRINK = 8;
/** A trigger that dies alone so often fires with a failure. */
const DEATHS_ALONE = 2;
/** After a process could not be started at all. */
const START_PAUSE_MS = 5_000;

interface PooledTrigger {
  readonly work: TriggerWork;
  /** How often it was in a child that died, nobody knows of what. */
  suspicion: number;
  deathsAlone: number;
  member: Member | undefined;
}

interface Member {
  readonly child: TriggerChild;
  /** Which bundle at which version it is bound to: the file that lists the texts. */
  readonly manifestFile: string;
  /** The suspicion of its triggers. */
  readonly suspicion: number;
  readonly triggers: Map<number, PooledTrigger>;
  isReady: boolean;
  /** Whether it takes no more triggers. */
  isClosed: boolean;
  pingsOwed: number;
  /** What its watching thread said last about a block that goes on. */
  blocker: number | undefined;
  /** The trigger that said that it ends the process. */
  dying: { readonly triggerId: number; readonly message: string } | undefined;
}

/** The triggers of one triggerer and the children that run them. */
export class TriggerPool {
  readonly #parts: TriggerPoolParts;
  readonly #triggers = new Map<number, PooledTrigger>();
  readonly #members = new Set<Member>();
  #pingTimer: Timer | undefined;
  #restartTimer: Timer | undefined;
  #pings = 0;
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(parts: TriggerPoolParts) {
    this.#parts = parts;
  }

  /** How many triggers wait here. */
  get size(): number {
    return this.#triggers.size;
  }

  /** Runs triggers until each has fired or is cancelled. */
  run(works: readonly TriggerWork[]): void {
    const triggers = works.map((work): PooledTrigger => ({ work, suspicion: 0, deathsAlone: 0, member: undefined }));
    for (const trigger of triggers) this.#triggers.set(trigger.work.triggerId, trigger);
    this.#place(triggers);
  }

  /** Ends triggers that nobody waits for. They do not fire any more. */
  cancel(triggerIds: readonly number[]): void {
    const cancelled = triggerIds.flatMap((id) => this.#triggers.get(id) ?? []);
    for (const { work } of cancelled) this.#triggers.delete(work.triggerId);
    this.#leave(cancelled);
  }

  /** Ends every child; resolves when no process is left. Nothing fires any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#triggers.clear();
    this.#pingTimer?.cancel();
    this.#restartTimer?.cancel();
    if (this.#members.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const { child } of this.#members) child.kill();
    await empty;
  }

  #place(triggers: readonly PooledTrigger[]): void {
    const placed = new Map<Member, TriggerWork[]>();
    for (const trigger of triggers) {
      const member = this.#findMember(trigger) ?? this.#addMember(trigger);
      member.triggers.set(trigger.work.triggerId, trigger);
      trigger.member = member;
      placed.set(member, [...(placed.get(member) ?? []), trigger.work]);
    }
    for (const [member, works] of placed) member.child.run(works);
  }

  #findMember({ work, suspicion }: PooledTrigger): Member | undefined {
    const most = this.#mostOf(suspicion);
    for (const member of this.#members) {
      if (member.isClosed || member.suspicion !== suspicion || member.manifestFile !== work.code.manifestFile) continue;
      if (member.triggers.size < most) return member;
    }
    return undefined;
  }

  #mostOf(suspicion: number): number {
    return Math.max(1, Math.floor((this.#parts.triggersPerChild ?? DEFAULT_TRIGGERS_PER_CHILD) / SHRINK ** suspicion));
  }

  #addMember({ work, suspicion }: PooledTrigger): Member {
    const child = this.#parts.createChild({
      onReady: () => {
        member.isReady = true;
      },
      onMessage: (message) => this.#onMessage(member, message),
      onGone: (end) => this.#onGone(member, end),
    });
    const member: Member = {
      child,
      manifestFile: work.code.manifestFile,
      suspicion,
      triggers: new Map(),
      isReady: false,
      isClosed: false,
      pingsOwed: 0,
      blocker: undefined,
      dying: undefined,
    };
    this.#members.add(member);
    this.#pingTimer ??= this.#parts.clock.setTimer(PING_MS, () => this.#ping());
    return member;
  }

  /** Takes triggers out of their children. A child that is left without any is ended: its event loop may be what was wrong with it. */
  #leave(triggers: readonly PooledTrigger[]): void {
    const left = new Map<Member, number[]>();
    for (const trigger of triggers) {
      const { member, work } = trigger;
      if (member === undefined) continue;
      trigger.member = undefined;
      member.triggers.delete(work.triggerId);
      left.set(member, [...(left.get(member) ?? []), work.triggerId]);
    }
    for (const [member, ids] of left) {
      if (member.triggers.size > 0) member.child.cancel(ids);
      else this.#end(member);
    }
  }

  #end(member: Member): void {
    member.isClosed = true;
    member.child.kill();
  }

  #onMessage(member: Member, message: TriggerChildMessage): void {
    switch (message.type) {
      case 'pong':
        member.pingsOwed = 0;
        member.blocker = undefined;
        return;
      case 'fired':
        this.#fire(message.triggerId, message.event);
        return;
      case 'log':
        if (this.#triggers.has(message.triggerId)) this.#parts.onLog(message.triggerId, message.record);
        return;
      case 'blocked':
        member.blocker = message.triggerId;
        return;
      case 'dying':
        member.dying = message;
        return;
      case 'ready':
    }
  }

  /** The first event counts, also that of a child that the trigger was moved away from. */
  #fire(triggerId: number, event: TriggerEvent): void {
    const trigger = this.#triggers.get(triggerId);
    if (trigger === undefined) return;
    this.#triggers.delete(triggerId);
    this.#leave([trigger]);
    this.#parts.onFired(triggerId, event);
  }

  #ping(): void {
    this.#pings += 1;
    for (const member of Array.from(this.#members)) {
      if (!member.isReady) continue;
      if (member.pingsOwed >= PINGS_OWED_WHEN_BLOCKED) this.#onBlocked(member);
      member.pingsOwed += 1;
      member.child.ping(this.#pings);
    }
    this.#pingTimer = this.#members.size === 0 ? undefined : this.#parts.clock.setTimer(PING_MS, () => this.#ping());
  }

  #onBlocked(member: Member): void {
    const triggers = [...member.triggers.values()];
    const culprit = triggers.length === 1 ? triggers[0] : triggers.find(({ work }) => work.triggerId === member.blocker);
    if (culprit === undefined) {
      this.#parts.log.warning(
        'the event loop of a trigger process is blocked, nobody knows by which trigger; all are started again in smaller groups',
        {
          triggers: triggers.length,
        },
      );
      this.#end(member);
      return;
    }
    if (member.isClosed) return;
    const { dagId, taskId, name } = culprit.work;
    this.#parts.log.warning('a trigger blocks the event loop of its process; it now runs alone, and should wait without working', {
      dagId,
      taskId,
      trigger: name,
      movedTriggers: triggers.length - 1,
    });
    member.isClosed = true;
    const others = triggers.filter((trigger) => trigger !== culprit);
    this.#leave(others);
    this.#place(others);
  }

  #onGone(member: Member, { wasReady, problem }: ChildEnd): void {
    this.#members.delete(member);
    if (this.#isStopping) {
      if (this.#members.size === 0) this.#onEmpty?.();
      return;
    }
    const orphans = [...member.triggers.values()];
    if (orphans.length === 0) return;
    for (const trigger of orphans) trigger.member = undefined;
    if (!wasReady) this.#placeLater(orphans, problem);
    else if (member.dying === undefined) this.#suspect(orphans, problem);
    else this.#blame(orphans, member.dying);
  }

  #placeLater(orphans: readonly PooledTrigger[], problem: string): void {
    this.#parts.log.error('a process for triggers could not be started; it is tried again', { problem, triggers: orphans.length });
    this.#restartTimer ??= this.#parts.clock.setTimer(START_PAUSE_MS, () => {
      this.#restartTimer = undefined;
      this.#place([...this.#triggers.values()].filter(({ member }) => member === undefined));
    });
  }

  #blame(orphans: readonly PooledTrigger[], { triggerId, message }: { readonly triggerId: number; readonly message: string }): void {
    this.#place(orphans.filter(({ work }) => work.triggerId !== triggerId));
    this.#fire(triggerId, { ok: false, message });
  }

  #suspect(orphans: readonly PooledTrigger[], problem: string): void {
    this.#parts.log.warning('a process for triggers died; what waited in it is started again', { problem, triggers: orphans.length });
    const [alone] = orphans.length === 1 ? orphans : [];
    if (alone !== undefined) alone.deathsAlone += 1;
    for (const trigger of orphans) trigger.suspicion += 1;
    if (alone !== undefined && alone.deathsAlone >= DEATHS_ALONE) {
      this.#fire(alone.work.triggerId, { ok: false, message: `the process that ran the trigger died each time: ${problem}` });
    } else this.#place(orphans);
  }
}
