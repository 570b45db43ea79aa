import type { Readable } from 'node:stream';
import type { Attempt, OutputEndRecord } from '@tradewind/protocol';
import { Masker } from '../../model/masking/masker.ts';
import { attemptKey } from './attempt-key.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Backlog } from './log-writer.ts';
import type { TaskLog, TaskStream } from './task-log.ts';
import { maskLine, maskRecord } from './try-secrets.ts';

const STREAMS: readonly TaskStream[] = ['stdout', 'stderr'];
/** Enough for what V8 prints before it gives up, and for the last words of most programs. */
const KEPT_STDERR_CHARACTERS = 8_192;

/** A try whose output may still arrive. */
interface OutputOwner {
  readonly key: string;
  /** The record that the child ends its output with, as it writes it. */
  readonly endMark: string;
  readonly log: TaskLog;
  readonly openStreams: Set<TaskStream>;
  /** Closes the log; set when the try has ended. */
  close: (() => void) | undefined;
}

/**
 * What one child prints, given to the try that printed it. The child runs one try after the other and its streams lag behind its messages,
 * so each stream has its own idea of which try it is at: the oldest whose end mark has not come by on it.
 */
export class TaskOutput {
  readonly #owners: OutputOwner[] = [];
  readonly #splitters: Readonly<Record<TaskStream, LineSplitter>>;
  readonly #streams: Readonly<Record<TaskStream, Readable>>;
  readonly #masker: Masker;
  #stderrTail = '';
  #isLast = false;

  /** @param masker whatever it knows is masked before anything is kept */
  constructor(streams: Readonly<Record<TaskStream, Readable>>, backlog: Backlog, masker: Masker = new Masker()) {
    this.#streams = streams;
    this.#masker = masker;
    this.#splitters = { stdout: this.#split('stdout'), stderr: this.#split('stderr') };
    for (const stream of STREAMS) this.#read(stream, backlog);
  }

  /** The last that was printed to standard error since the newest try began. */
  get stderrTail(): string {
    return this.#stderrTail;
  }

  /** From here on output belongs to this try, once that of the one before has ended. */
  begin(attempt: Attempt, log: TaskLog): void {
    this.#stderrTail = '';
    const endMark = JSON.stringify({ outputEndOf: attempt } satisfies OutputEndRecord);
    this.#owners.push({ key: attemptKey(attempt), endMark, log, openStreams: new Set(STREAMS), close: undefined });
    for (const stream of STREAMS) this.#updateSkipping(stream);
  }

  /**
   * Has the log of the try closed when the last output of the try is in it.
   * @returns false for a try that has not begun here
   */
  finish(attempt: Attempt, close: () => void): boolean {
    const owner = this.#owners.find(({ key }) => key === attemptKey(attempt));
    if (owner === undefined) return false;
    owner.close = close;
    this.#closeFinished();
    return true;
  }

  /** The process has ended: what is left in its pipes is little, and is read whatever waits for the disk. */
  readRest(): void {
    this.#isLast = true;
    for (const stream of STREAMS) this.#streams[stream].resume();
  }

  /** No more output comes, whether the streams say so or not. */
  end(): void {
    for (const stream of STREAMS) this.#endStream(stream);
  }

  #split(stream: TaskStream): LineSplitter {
    return new LineSplitter({
      onLine: (text, cutBytes) => {
        const shown = maskLine(text, cutBytes > 0, this.#masker);
        if (stream === 'stderr') this.#stderrTail = `${this.#stderrTail}${shown}\n`.slice(-KEPT_STDERR_CHARACTERS);
        this.#ownerOf(stream)?.log.print(stream, shown, cutBytes);
        this.#updateSkipping(stream);
      },
      onRecord: (json) => this.#onRecord(stream, json),
      onSkipped: (bytes) => this.#ownerOf(stream)?.log.drop(bytes),
    });
  }

  #read(stream: TaskStream, backlog: Backlog): void {
    const readable = this.#streams[stream];
    readable.on('data', (chunk: Buffer) => {
      this.#splitters[stream].push(chunk);
      if (!backlog.isBehind || this.#isLast) return;
      // The pipe fills up and the task waits: better than holding its output in memory.
      readable.pause();
      backlog.whenDrained(() => readable.resume());
    });
    readable.on('close', () => this.#endStream(stream));
  }

  #onRecord(stream: TaskStream, json: string): boolean {
    const owner = this.#ownerOf(stream);
    if (owner === undefined) return false;
    // A mark of another attempt is something that the author printed.
    if (json !== owner.endMark) return owner.log.record(maskRecord(json, this.#masker));
    owner.openStreams.delete(stream);
    this.#updateSkipping(stream);
    this.#closeFinished();
    return true;
  }

  #endStream(stream: TaskStream): void {
    this.#splitters[stream].end();
    for (const owner of this.#owners) owner.openStreams.delete(stream);
    this.#closeFinished();
  }

  #ownerOf(stream: TaskStream): OutputOwner | undefined {
    return this.#owners.find((owner) => owner.openStreams.has(stream));
  }

  #updateSkipping(stream: TaskStream): void {
    // Output between two tries belongs to nobody; it comes from what a try left behind, and such a child is not used again.
    this.#splitters[stream].isSkipping = this.#ownerOf(stream)?.log.isFull === true;
  }

  #closeFinished(): void {
    for (let [first] = this.#owners; first?.close !== undefined && first.openStreams.size === 0; [first] = this.#owners) {
      this.#owners.shift();
      first.close();
    }
  }
}
