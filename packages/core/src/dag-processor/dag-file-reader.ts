import type { CodeLocation, ParseReply } from '@tradewind/protocol';
import { startAuthorProcess, type AuthorProcess } from '../platform/child-process.ts';
import type { Timer } from '../platform/clock.ts';
import { describeStop, describeTimeout, parseDagFile, type ParseProcessOptions } from './parse-process.ts';
import { SharedParseProcess } from './shared-parse-process.ts';

/** With nothing to read for this long, processes that read many files end. */
const QUIET_MS = 300;
/** A process that waits for a change costs as much memory as a task's: with no change for this long it ends, and the next change starts its own. */
const SPARE_IDLE_MS = 2_000;

/**
 * Reads dag files in processes that it starts and ends: many files in few processes, one after the other; a single one in a process of its own, which was
 * started before it was needed. The answer is the same either way (adr/0028).
 */
export class DagFileReader {
  readonly #options: ParseProcessOptions;
  readonly #spareIdleMs: number;
  readonly #sharing = new Set<SharedParseProcess>();
  #spare: AuthorProcess | undefined;
  #isStarting = false;
  #busy = 0;
  #quietTimer: Timer | undefined;
  #spareTimer: Timer | undefined;
  #isStopped = false;
  /** Resolves when what is being started or ended beside the readings is. */
  #tidied: Promise<unknown> = Promise.resolve();

  /**
   * Starts nothing before there is something to read.
   * @param spareIdleMs how long a process waits for the next change, in milliseconds
   */
  constructor(options: ParseProcessOptions, spareIdleMs = SPARE_IDLE_MS) {
    this.#options = options;
    this.#spareIdleMs = spareIdleMs;
  }

  /**
   * Reads one dag file. Never rejects: whatever the file does is a reply, and every process that read it alone is gone.
   * @param signal ends the reading early; the reply is then a failure that nobody wants
   * @param isOneOfMany several other files are to be read at the same time
   */
  async read(code: CodeLocation, signal: AbortSignal, isOneOfMany: boolean): Promise<ParseReply> {
    this.#busy += 1;
    this.#quietTimer?.cancel();
    try {
      const shared = isOneOfMany ? await this.#readShared(code, signal) : undefined;
      return shared ?? (await parseDagFile(code, { ...this.#options, prestarted: this.#takeSpare() }, signal));
    } finally {
      this.#busy -= 1;
      // Whoever saves one file saves it again soon.
      if (!isOneOfMany) this.#keepSpare();
      this.#awaitQuiet();
    }
  }

  /** Ends every process that is not reading; resolves when they are gone. Those that read end by the signal that their reading was given. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#quietTimer?.cancel();
    await this.#tidied;
    const spare = this.#takeSpare();
    spare?.signalGroup('SIGKILL');
    await Promise.all([spare?.ended, this.#endSharing()]);
  }

  /** Undefined where the file needs a process of its own. */
  async #readShared(code: CodeLocation, signal: AbortSignal): Promise<ParseReply | undefined> {
    const process = await this.#takeShared(code);
    if (process === undefined) return undefined;
    const reading = await process.read(code, signal);
    if (process.canRead(code)) this.#sharing.add(process);
    if (reading.outcome === 'parsed') return reading.reply;
    if (reading.outcome === 'timeout') return describeTimeout(code, this.#options);
    return signal.aborted ? describeStop(code) : undefined;
  }

  async #takeShared(code: CodeLocation): Promise<SharedParseProcess | undefined> {
    for (const process of this.#sharing) {
      this.#sharing.delete(process);
      if (process.canRead(code)) return process;
      this.#tidied = Promise.all([this.#tidied, process.end()]);
    }
    // Where none can be started, the one that the file then gets says why.
    return SharedParseProcess.start(this.#options).catch(() => undefined);
  }

  #takeSpare(): AuthorProcess | undefined {
    this.#spareTimer?.cancel();
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  #awaitQuiet(): void {
    if (this.#busy > 0 || this.#isStopped) return;
    this.#quietTimer?.cancel();
    this.#quietTimer = this.#options.clock.setTimer(QUIET_MS, () => {
      this.#tidied = Promise.all([this.#tidied, this.#endSharing()]);
    });
  }

  #keepSpare(): void {
    if (this.#isStopped || this.#isStarting || this.#spare !== undefined) return;
    this.#isStarting = true;
    this.#tidied = Promise.all([this.#tidied, this.#startSpare()]);
  }

  async #startSpare(): Promise<void> {
    // Where none can be started now, the next file starts its own or says why it cannot.
    const spare = await startAuthorProcess(this.#options.entry, this.#options).catch(() => undefined);
    this.#isStarting = false;
    if (spare === undefined) return;
    this.#spare = spare;
    this.#spareTimer = this.#options.clock.setTimer(this.#spareIdleMs, () => {
      const idle = this.#takeSpare();
      idle?.signalGroup('SIGKILL');
      this.#tidied = Promise.all([this.#tidied, idle?.ended]);
    });
    void spare.exited.then(() => {
      if (this.#spare === spare) this.#spare = undefined;
    });
  }

  async #endSharing(): Promise<void> {
    const processes = [...this.#sharing];
    this.#sharing.clear();
    await Promise.all(processes.map((process) => process.end()));
  }
}
