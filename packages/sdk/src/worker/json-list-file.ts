/**
 * A list in a file of JSON text, of which only those values are in memory that are being read. A look through the whole file, the first time that somebody asks, notes where each
 * value begins; values are then parsed one by one, out of a block of the file that is read at once.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { decodeJson } from '@tradewind/protocol';
import type { ValueSource } from '../authoring/mapped-values.ts';
import { SdkError } from '../errors.ts';

/** So much is read at once; a longer value is read alone. */
const BLOCK_BYTES = 262_144;

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const LIST_START = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const OBJECT_START = 0x7b;
const OBJECT_END = 0x7d;

/** A part of the file that is in memory. */
interface Block {
  readonly start: number;
  readonly bytes: Buffer;
}

/** Reads the list in a file; the file must not change, and may be removed, while it is open. */
export class JsonListFile implements ValueSource<unknown> {
  readonly #fd: number;
  #isOpen = true;
  /** Where the brackets and commas of the list itself stand: value n lies between the nth of them and the next. */
  #borders: readonly number[] | undefined;
  #block: Block = { start: 0, bytes: Buffer.alloc(0) };

  /** @throws the system's error where the file cannot be opened */
  constructor(file: string) {
    this.#fd = openSync(file, 'r');
  }

  get length(): number {
    return this.#findBorders().length - 1;
  }

  at(index: number): unknown {
    const { length } = this;
    const place = index < 0 ? length + index : index;
    return place >= 0 && place < length ? this.#valueAt(place) : undefined;
  }

  slice(start = 0, end = this.length): unknown[] {
    const { length } = this;
    const within = (place: number): number => Math.min(length, place < 0 ? Math.max(0, length + place) : place);
    const values: unknown[] = [];
    for (let place = within(start), last = within(end); place < last; place += 1) values.push(this.#valueAt(place));
    return values;
  }

  *[Symbol.iterator](): Iterator<unknown> {
    for (let place = 0; place < this.length; place += 1) yield this.#valueAt(place);
  }

  /** Whoever reads after that is told that the try is over. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#block = { start: 0, bytes: Buffer.alloc(0) };
    closeSync(this.#fd);
  }

  #valueAt(place: number): unknown {
    const borders = this.#findBorders();
    const start = (borders[place] ?? 0) + 1;
    const end = borders[place + 1] ?? start;
    const { start: blockStart, bytes } = this.#blockWith(start, end);
    return decodeJson(bytes.toString('utf8', start - blockStart, end - blockStart));
  }

  #blockWith(start: number, end: number): Block {
    const { start: blockStart, bytes } = this.#block;
    if (this.#isOpen && start >= blockStart && end <= blockStart + bytes.length) return this.#block;
    this.#block = { start, bytes: this.#read(start, Math.max(BLOCK_BYTES, end - start)) };
    return this.#block;
  }

  #findBorders(): readonly number[] {
    this.#borders ??= findBorders((start) => this.#read(start, BLOCK_BYTES));
    return this.#borders;
  }

  #read(start: number, length: number): Buffer {
    if (!this.#isOpen)
      throw new SdkError('bad_value', 'mapped values are read after their try has ended; read them while the task runs, or keep a copy');
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(this.#fd, bytes, filled, length - filled, start + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }
}

/**
 * The places of the brackets and commas of the outermost list.
 * @param read gives the bytes from a place on, none at the end
 */
function findBorders(read: (start: number) => Buffer): readonly number[] {
  const finder = new BorderFinder();
  for (let start = 0, block = read(0); block.length > 0; start += block.length, block = read(start)) finder.look(block, start);
  return finder.borders;
}

/** Tells by what is open at each byte which commas are those of the list itself. */
class BorderFinder {
  readonly borders: number[] = [];
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  #isEmpty = true;

  look(block: Buffer, start: number): void {
    for (let index = 0; index < block.length; index += 1) {
      const byte = block[index] ?? 0;
      if (this.#isText) this.#onText(byte);
      else this.#onByte(byte, start + index);
    }
  }

  #onText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isText = false;
  }

  #onByte(byte: number, place: number): void {
    switch (byte) {
      case SPACE:
      case TAB:
      case NEWLINE:
      case RETURN:
        return;
      case LIST_END:
      case OBJECT_END:
        this.#depth -= 1;
        if (this.#depth === 0 && !this.#isEmpty) this.borders.push(place);
        return;
      case COMMA:
        if (this.#depth === 1) this.borders.push(place);
        return;
    }
    if (this.#depth === 0) this.borders.push(place);
    else this.#isEmpty = false;
    if (byte === QUOTE) this.#isText = true;
    else if (byte === LIST_START || byte === OBJECT_START) this.#depth += 1;
  }
}
