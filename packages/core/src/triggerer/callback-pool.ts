/**
 * Which child calls which list of callbacks. A child is bound to the bundle version of its first list and calls one list at a time; it ends when it has been idle for a while, when a list takes too long, and
 * when another version needs its place.
 */
import type { CallbackChildMessage, CallbackFailure, CallbackWork, LogRecord } from '@tradewind/protocol';
import type { Clock, Timer } from '../platform/clock.ts';
import type { ChildEnd } from './author-child.ts';

/** A process for callbacks, as the pool sees it. */
export interface CallbackChild {
  call(work: CallbackWork): void;
  cancel(reason: string): void;
  /** Ends it at once; `onGone` follows. */
  kill(): void;
}

/** What a child tells the pool. */
export interface CallbackChildEvents {
  readonly onMessage: (message: CallbackChildMessage) => void;
  readonly onOutput: (stream: 'stdout' | 'stderr', text: string) => void;
  readonly onGone: (end: ChildEnd) => void;
}

/** How the call of a list ended. */
export type CallbackOutcome =
  | { readonly outcome: 'called'; readonly failures: readonly CallbackFailure[]; readonly problem?: string }
  | { readonly outcome: 'timeout'; readonly message: string }
  /** Its process died: nobody knows what of the list was called. */
  | { readonly outcome: 'died'; readonly message: string };

/** What a pool is given. */
export interface CallbackPoolParts {
  readonly clock: Clock;
  readonly createChild: (events: CallbackChildEvents) => CallbackChild;
  /** Longest time that one list may take. */
  readonly timeoutMs: number;
  /** Lists that are called at the same time. */
  readonly parallelism: number;
}

/** How long what is being called may go on when everything stops: most callbacks are short, and one that is cut off is called again. */
const STOP_GRACE_MS = 500;
/** Between the abort of the signal and the end of the process. */
const GRACE_MS = 1_000;
const IDLE_MS = 30_000;

interface Call {
  readonly work: CallbackWork;
  readonly onLog: (record: LogRecord) => void;
  readonly settle: (outcome: CallbackOutcome) => void;
}

interface Member {
  readonly child: CallbackChild;
  /** Which bundle at which version it is bound to: the file that lists the texts. */
  readonly manifestFile: string;
  current: Call | undefined;
  /** Ends the list that is called, or the idle child. */
  timer: Timer | undefined;
  isTooLate: boolean;
}

/** The callbacks of one triggerer and the children that call them. */
export class CallbackPool {
  readonly #parts: CallbackPoolParts;
  readonly #members = new Set<Member>();
  readonly #waiting: Call[] = [];
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(parts: CallbackPoolParts) {
    this.#parts = parts;
  }

  /** Calls a list as soon as there is a child for it. Never rejects. */
  call(work: CallbackWork, onLog: (record: LogRecord) => void): Promise<CallbackOutcome> {
    return new Promise((resolve) => {
      this.#waiting.push({ work, onLog, settle: resolve });
      this.#assign();
    });
  }

  /** Ends every child; resolves when no process is left. What is being called has a moment to end, and has died otherwise. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { settle } of this.#waiting.splice(0)) settle({ outcome: 'died', message: 'the environment was stopped' });
    if (this.#members.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const { clock } = this.#parts;
    for (const member of Array.from(this.#members)) if (member.current === undefined) this.#end(member);
    const grace = clock.setTimer(STOP_GRACE_MS, () => {
      for (const member of this.#members) this.#end(member);
    });
    await empty;
    grace.cancel();
  }

  #assign(): void {
    if (this.#isStopping) return;
    for (const call of Array.from(this.#waiting)) {
      const member = this.#findMember(call.work.code.manifestFile);
      if (member === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(call), 1);
      this.#start(member, call);
    }
  }

  #findMember(manifestFile: string): Member | undefined {
    const idle = [...this.#members].filter(({ current, isTooLate }) => current === undefined && !isTooLate);
    const bound = idle.find((member) => member.manifestFile === manifestFile);
    if (bound !== undefined) return bound;
    if (this.#members.size < this.#parts.parallelism) return this.#addMember(manifestFile);
    // Its end makes room.
    if (idle[0] !== undefined) this.#end(idle[0]);
    return undefined;
  }

  #addMember(manifestFile: string): Member {
    const member: Member = {
      child: this.#parts.createChild({
        onMessage: (message) => this.#onMessage(member, message),
        onOutput: (stream, text) => this.#onOutput(member, { stream, text }),
        onGone: (end) => this.#onGone(member, end),
      }),
      manifestFile,
      current: undefined,
      timer: undefined,
      isTooLate: false,
    };
    this.#members.add(member);
    return member;
  }

  #start(member: Member, call: Call): void {
    const { clock, timeoutMs } = this.#parts;
    member.current = call;
    member.timer?.cancel();
    member.timer = clock.setTimer(timeoutMs, () => {
      member.child.cancel(tooLate(timeoutMs));
      member.isTooLate = true;
      member.timer = clock.setTimer(GRACE_MS, () => member.child.kill());
    });
    member.child.call(call.work);
  }

  #onMessage(member: Member, message: CallbackChildMessage): void {
    const { current } = member;
    if (current === undefined || message.type === 'ready' || message.callbackId !== current.work.callbackId) return;
    if (message.type === 'log') {
      current.onLog(message.record);
      return;
    }
    const { failures, problem } = message;
    if (member.isTooLate) {
      // It has cleaned up.
      member.child.kill();
      return;
    }
    member.current = undefined;
    member.timer?.cancel();
    if (this.#isStopping) this.#end(member);
    else member.timer = this.#parts.clock.setTimer(IDLE_MS, () => this.#end(member));
    current.settle({ outcome: 'called', failures, ...(problem === undefined ? {} : { problem }) });
    this.#assign();
  }

  #onOutput({ current }: Member, { stream, text }: { readonly stream: 'stdout' | 'stderr'; readonly text: string }): void {
    if (current === undefined) return;
    const timestamp = new Date(this.#parts.clock.now()).toISOString();
    const level = stream === 'stdout' ? 'info' : 'error';
    for (const line of text.split('\n')) {
      if (line.trim() !== '') current.onLog({ timestamp, level, event: line, logger: `callback.${stream}` });
    }
  }

  #onGone(member: Member, { problem }: ChildEnd): void {
    this.#members.delete(member);
    member.timer?.cancel();
    member.current?.settle(
      member.isTooLate && !this.#isStopping
        ? { outcome: 'timeout', message: tooLate(this.#parts.timeoutMs) }
        : { outcome: 'died', message: problem },
    );
    member.current = undefined;
    if (!this.#isStopping) this.#assign();
    else if (this.#members.size === 0) this.#onEmpty?.();
  }

  #end(member: Member): void {
    member.isTooLate = true;
    member.timer?.cancel();
    member.child.kill();
  }
}

function tooLate(timeoutMs: number): string {
  return `the callbacks took longer than ${timeoutMs / 1_000} s (triggerer.callbackTimeoutSeconds)`;
}
