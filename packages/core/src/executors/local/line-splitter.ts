import { MAX_LOG_LINE_BYTES, RECORD_SEPARATOR } from '@tradewind/protocol';

/** What a splitter found, in order. */
export interface LineHandlers {
  /** A line of text without its line break. Bytes that are not UTF-8 are replaced; `cutBytes` more were left out at its end. */
  onLine(text: string, cutBytes: number): void;
  /**
   * The text after a record separator.
   * @returns false where it is no record after all: it is then handed over as a line
   */
  onRecord(json: string): boolean;
  /** Bytes that were passed over while `isSkipping`. */
  onSkipped(bytes: number): void;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SEPARATOR = RECORD_SEPARATOR.charCodeAt(0);
/** A record has the separator before it. */
const MAX_KEPT_BYTES = MAX_LOG_LINE_BYTES + 1;

/**
 * Splits what a process prints into lines and records, holding at most one line, however long the author makes it. A line ends with a line
 * feed, a carriage return (as progress bars print them) or both.
 */
export class LineSplitter {
  /** While true, lines are counted and not kept; records are still found. */
  isSkipping = false;
  readonly #handlers: LineHandlers;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #lineBytes = 0;
  #isRecord = false;
  #endedWithReturn = false;
  /** An empty line that may be the line break before a record, which is not the author's. */
  #holdsEmptyLine = false;

  constructor(handlers: LineHandlers) {
    this.#handlers = handlers;
  }

  push(chunk: Buffer): void {
    if (this.isSkipping && !this.#isRecordPending() && !chunk.includes(SEPARATOR)) {
      this.#skip(chunk);
      return;
    }
    let position = 0;
    if (this.#endedWithReturn && chunk[0] === LINE_FEED) position = 1;
    if (chunk.length > 0) this.#endedWithReturn = false;
    let nextReturn = chunk.indexOf(CARRIAGE_RETURN, position);
    while (position < chunk.length) {
      const feed = chunk.indexOf(LINE_FEED, position);
      const lineEnd = nextReturn !== -1 && (feed === -1 || nextReturn < feed) ? nextReturn : feed;
      if (lineEnd === -1) {
        this.#take(chunk, position, chunk.length);
        return;
      }
      this.#endLine(chunk, position, lineEnd);
      position = lineEnd + 1;
      if (lineEnd === nextReturn) {
        if (position === chunk.length) this.#endedWithReturn = true;
        else if (chunk[position] === LINE_FEED) position += 1;
        nextReturn = chunk.indexOf(CARRIAGE_RETURN, position);
      }
    }
  }

  /** The stream has ended: what came last is a line, too. */
  end(): void {
    if (this.#lineBytes > 0) this.#endLine(Buffer.alloc(0), 0, 0);
    this.#releaseEmptyLine();
  }

  #isRecordPending(): boolean {
    return this.#lineBytes > 0 && this.#isRecord;
  }

  /** A task that prints without end is passed over by the chunk: only the end of the last line matters to what follows. */
  #skip(chunk: Buffer): void {
    const afterLastFeed = chunk.lastIndexOf(LINE_FEED) + 1;
    this.#endedWithReturn = false;
    this.#holdsEmptyLine = false;
    if (afterLastFeed > 0) {
      this.#handlers.onSkipped(this.#lineBytes + afterLastFeed);
      this.#lineBytes = 0;
    }
    this.#take(chunk, afterLastFeed, chunk.length);
  }

  #take(chunk: Buffer, start: number, end: number): void {
    const bytes = end - start;
    if (bytes === 0) return;
    if (this.#lineBytes === 0) this.#isRecord = chunk[start] === SEPARATOR;
    this.#lineBytes += bytes;
    if (this.isSkipping && !this.#isRecord) return;
    const room = MAX_KEPT_BYTES - this.#keptBytes;
    if (room <= 0) return;
    // A copy: the chunk is 64 KiB of which a line keeps a few bytes.
    const part = Buffer.from(chunk.subarray(start, Math.min(end, start + room)));
    this.#kept.push(part);
    this.#keptBytes += part.length;
  }

  #endLine(chunk: Buffer, start: number, end: number): void {
    if (this.#lineBytes > 0) {
      this.#take(chunk, start, end);
      const { isRecord, bytes } = { isRecord: this.#isRecord, bytes: this.#lineBytes };
      this.#lineBytes = 0;
      this.#deliver(this.#keptText(), bytes, isRecord);
      return;
    }
    // Nearly always the chunk has the whole line.
    const bytes = end - start;
    const isRecord = bytes > 0 && chunk[start] === SEPARATOR;
    const isKept = isRecord || !this.isSkipping;
    this.#deliver(isKept ? chunk.toString('utf8', start, Math.min(end, start + MAX_KEPT_BYTES)) : '', bytes, isRecord);
  }

  #deliver(text: string, bytes: number, isRecord: boolean): void {
    if (isRecord && bytes <= MAX_KEPT_BYTES && this.#handlers.onRecord(text.slice(1))) {
      this.#holdsEmptyLine = false;
      return;
    }
    this.#releaseEmptyLine();
    if (bytes === 0) this.#holdsEmptyLine = true;
    else if (this.isSkipping) this.#handlers.onSkipped(bytes);
    else this.#handlers.onLine(text, bytes - Math.min(bytes, MAX_KEPT_BYTES));
  }

  #keptText(): string {
    const [first] = this.#kept;
    const bytes = this.#kept.length === 1 && first !== undefined ? first : Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    return bytes.toString('utf8');
  }

  #releaseEmptyLine(): void {
    if (!this.#holdsEmptyLine) return;
    this.#holdsEmptyLine = false;
    if (!this.isSkipping) this.#handlers.onLine('', 0);
  }
}
