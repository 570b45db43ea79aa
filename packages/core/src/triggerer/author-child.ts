/**
 * One process that runs author code for the triggerer.
 *
 *   starting ── ready ──▸ running ── its process ends, or is ended ──▸ gone
 *
 * Messages may be sent from the beginning: the pipe keeps them. A process that says something that is no message is ended.
 */
import type { Readable } from 'node:stream';
import { createFrameReader, encodeFrame, EXECUTION_PROTOCOL_VERSION } from '@tradewind/protocol';
import { startAuthorProcess, type AuthorProcess, type ChildProcessSettings, type ProcessEnd } from '../platform/child-process.ts';
import type { Timer } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';

/** How the processes of one kind are started. */
export interface AuthorChildSettings extends ChildProcessSettings {
  /** The file that the process runs, as `authorEntry` finds it. */
  readonly entry: string;
}

/** How a process ended. */
export interface ChildEnd {
  /** False where it never came so far that it could take work: the machine, or the installation, is at fault. */
  readonly wasReady: boolean;
  /** In words. */
  readonly problem: string;
}

/** What is heard of a process. */
export interface AuthorChildEvents<Message> {
  /** Checks what arrived; throws where it is no message. */
  readonly parse: (candidate: unknown) => Message | ReadyMessage;
  readonly onReady: () => void;
  readonly onMessage: (message: Message) => void;
  readonly onOutput: (stream: 'stdout' | 'stderr', text: string) => void;
  /** The last that is heard. */
  readonly onGone: (end: ChildEnd) => void;
}

/** The first message of every process. */
interface ReadyMessage {
  readonly type: 'ready';
  readonly protocolVersion: number;
}

/** A process that is not ready after this is ended. */
const START_TIMEOUT_MS = 30_000;
/** What is kept of its standard error, where a crash says why. */
const KEPT_CHARACTERS = 2_000;

/** A process for author code, from its start to its end. */
export class AuthorChild<Message extends { readonly type: string }> {
  readonly #settings: AuthorChildSettings;
  readonly #events: AuthorChildEvents<Message>;
  readonly #startTimer: Timer;
  #process: AuthorProcess | undefined;
  readonly #unsent: unknown[] = [];
  #wasReady = false;
  #isEnding = false;
  #verdict: string | undefined;
  #stderrTail = '';

  /** Starts the process; `onReady` or `onGone` follows. */
  constructor(settings: AuthorChildSettings, events: AuthorChildEvents<Message>) {
    this.#settings = settings;
    this.#events = events;
    this.#startTimer = settings.clock.setTimer(START_TIMEOUT_MS, () =>
      this.#condemn(`the process was not ready after ${START_TIMEOUT_MS / 1_000} s; the machine may be overloaded`),
    );
    void this.#begin();
  }

  send(message: unknown): void {
    if (this.#process === undefined) this.#unsent.push(message);
    else this.#process.control.write(encodeFrame(message));
  }

  /** Ends the process and its group at once; `onGone` follows. */
  kill(): void {
    this.#isEnding = true;
    this.#process?.signalGroup('SIGKILL');
  }

  async #begin(): Promise<void> {
    try {
      this.#process = await startAuthorProcess(this.#settings.entry, this.#settings);
    } catch (error) {
      this.#startTimer.cancel();
      this.#events.onGone({ wasReady: false, problem: messageOf(error) });
      return;
    }
    const { control, stdout, stderr, ended } = this.#process;
    this.#read('stdout', stdout);
    this.#read('stderr', stderr);
    this.#listen(this.#process);
    void ended.then((end) => this.#onEnd(end));
    for (const message of this.#unsent.splice(0)) control.write(encodeFrame(message));
    // Somebody may have ended it while it was being started.
    if (this.#isEnding) this.kill();
  }

  #listen({ control }: AuthorProcess): void {
    const takeChunk = createFrameReader();
    control.on('data', (chunk: Buffer) => {
      try {
        for (const candidate of takeChunk(chunk)) this.#onMessage(this.#events.parse(candidate));
      } catch (error) {
        control.pause();
        this.#condemn(`the process sent something that is no message: ${messageOf(error).slice(0, 500)}`);
      }
    });
    control.on('close', () => this.kill());
  }

  #onMessage(message: Message | ReadyMessage): void {
    if (this.#isEnding) return;
    if (!isReady(message)) {
      this.#events.onMessage(message);
      return;
    }
    this.#startTimer.cancel();
    if (message.protocolVersion === EXECUTION_PROTOCOL_VERSION) {
      this.#wasReady = true;
      this.#events.onReady();
    } else {
      this.#condemn(
        `the process speaks version ${message.protocolVersion} of the protocol and not ${EXECUTION_PROTOCOL_VERSION}; install the same version of all packages`,
      );
    }
  }

  #read(stream: 'stdout' | 'stderr', output: Readable): void {
    output.setEncoding('utf8');
    output.on('data', (text: string) => {
      if (stream === 'stderr') this.#stderrTail = (this.#stderrTail + text).slice(-KEPT_CHARACTERS);
      this.#events.onOutput(stream, text);
    });
  }

  #condemn(problem: string): void {
    this.#verdict ??= problem;
    this.kill();
  }

  #onEnd({ exitCode, signal }: ProcessEnd): void {
    this.#startTimer.cancel();
    const { maxHeapMegabytes } = this.#settings;
    const how = signal === null ? `the process ended with exit code ${exitCode}` : `the process was ended by ${signal}`;
    const why = this.#stderrTail.includes('heap out of memory')
      ? `the process needed more than ${maxHeapMegabytes} MB of heap`
      : [how, this.#stderrTail.trim()].filter((part) => part !== '').join(': ');
    this.#events.onGone({ wasReady: this.#wasReady, problem: this.#verdict ?? why });
  }
}

function isReady(message: { readonly type: string }): message is ReadyMessage {
  return message.type === 'ready';
}
