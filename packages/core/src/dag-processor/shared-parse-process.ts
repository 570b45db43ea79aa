/**
 * One process that reads dag files one after the other.
 *
 *   idle ── read ──▸ reading ── answered, not spent ──▸ idle
 *                       └─ answered and spent, too late, stopped, dead ──▸ ended
 *
 * An answer counts only where a process of the file's own would give the same (adr/0028); the file that is under way when the process ends, or prints, has none.
 */
import {
  createFrameReader,
  encodeFrame,
  type CodeLocation,
  type ParseReply,
  type SharedParseReply,
  type SharedParseRequest,
} from '@tradewind/protocol';
import { sharedParseReplySchema } from '@tradewind/protocol/schemas';
import { startAuthorProcess, type AuthorProcess } from '../platform/child-process.ts';
import { sleep } from '../platform/clock.ts';
import type { ParseProcessOptions } from './parse-process.ts';

/** What became of a file. */
export type SharedReading =
  | { readonly outcome: 'parsed'; readonly reply: Extract<ParseReply, { type: 'parsed' }> }
  /** Only a process of its own can tell what it defines. */
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'timeout' };

/** An answered process that does not leave is ended after this. */
const LEAVE_MS = 1_000;
/** After so many files it is replaced: what was loaded for a file is never unloaded. */
const MAX_FILES = 500;

type Settle = (answer: SharedParseReply | 'timeout' | 'end') => void;

/** A process that reads dag files of one bundle version, and at most one at a time. */
export class SharedParseProcess {
  readonly #options: ParseProcessOptions;
  readonly #child: AuthorProcess;
  #settle: Settle | undefined;
  #printedBytes = 0;
  #files = 0;
  #bundleVersion: string | undefined;
  #isOver = false;

  private constructor(child: AuthorProcess, options: ParseProcessOptions) {
    this.#child = child;
    this.#options = options;
    const takeChunk = createFrameReader();
    child.control.on('data', (chunk: Buffer) => {
      try {
        for (const message of takeChunk(chunk)) this.#settle?.(sharedParseReplySchema.parse(message));
      } catch {
        this.#settle?.('end');
      }
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#printedBytes += chunk.length;
      });
    }
    void child.exited.then(() => {
      this.#isOver = true;
      this.#settle?.('end');
    });
  }

  /** Starts one. Rejects with a TradewindError where the system refuses to start it. */
  static async start(options: ParseProcessOptions): Promise<SharedParseProcess> {
    return new SharedParseProcess(await startAuthorProcess(options.entry, options), options);
  }

  /** Whether it can be given this file. */
  canRead({ bundleVersion }: CodeLocation): boolean {
    return !this.#isOver && this.#settle === undefined && (this.#bundleVersion ?? bundleVersion) === bundleVersion;
  }

  /** Reads one file. Never rejects. Where the process cannot go on, it is gone with its process group when this resolves. */
  async read(code: CodeLocation, signal: AbortSignal): Promise<SharedReading> {
    this.#bundleVersion = code.bundleVersion;
    this.#files += 1;
    const printedBefore = this.#printedBytes;
    const answer = await this.#ask(code, signal);
    if (typeof answer === 'string') {
      this.#child.signalGroup('SIGKILL');
      await this.#over();
      return { outcome: answer === 'timeout' ? 'timeout' : 'unknown' };
    }
    // What the file has printed was in the pipe before its answer was, so that it is among the events that are already waiting.
    await sleep(this.#options.clock, 0, signal);
    if (answer.isSpent || this.#files >= MAX_FILES) await this.end();
    if (answer.parsed === undefined || this.#printedBytes !== printedBefore) return { outcome: 'unknown' };
    return { outcome: 'parsed', reply: { type: 'parsed', ...answer.parsed, warnings: [] } };
  }

  /** Lets the process leave, and resolves when it is gone. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#child.control.end();
    const timer = this.#options.clock.setTimer(LEAVE_MS, () => this.#child.signalGroup('SIGKILL'));
    await this.#child.ended;
    timer.cancel();
  }

  async #over(): Promise<void> {
    this.#isOver = true;
    await this.#child.ended;
  }

  #ask(code: CodeLocation, signal: AbortSignal): Promise<SharedParseReply | 'timeout' | 'end'> {
    return new Promise((resolve) => {
      const settle: Settle = (answer) => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
        this.#settle = undefined;
        resolve(answer);
      };
      const abort = (): void => settle('end');
      const timer = this.#options.clock.setTimer(this.#options.timeoutMs, () => settle('timeout'));
      signal.addEventListener('abort', abort, { once: true });
      this.#settle = settle;
      if (signal.aborted || this.#isOver) settle('end');
      else this.#child.control.write(encodeFrame({ code, isShared: true } satisfies SharedParseRequest));
    });
  }
}
