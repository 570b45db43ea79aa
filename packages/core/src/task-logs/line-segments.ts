import { open, type FileHandle } from 'node:fs/promises';

/** A line longer than this is cut: a writer that is not ours made it. */
const MAX_LINE_BYTES = 1_048_576;
/** How much of a file is held at a time. */
const CHUNK_BYTES = 262_144;
const LINE_FEED = 0x0a;

/**
 * Some whole lines of a file, each with its line break. Where the last line was cut, more bytes of the file belong to the segment than it has, and it has only
 * that line.
 */
export interface LineSegment {
  /** Valid until the next segment is asked for: the memory is used again. */
  readonly bytes: Buffer;
  readonly offset: number;
  /** Of the byte after the last line break. */
  readonly endOffset: number;
}

/** Opens a file; undefined where it does not exist. */
export async function openIfPresent(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads the whole lines between two offsets, a few hundred kilobytes at a time. A line that is still being written is left for the next time.
 * @param from an offset at which a line begins
 * @param to where reading ends. @default the end of the file
 */
export async function* readLineSegments(handle: FileHandle, from: number, to = Number.POSITIVE_INFINITY): AsyncGenerator<LineSegment> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let held = 0;
  let offset = from;
  for (;;) {
    const room = Math.min(buffer.length - held, to - offset - held);
    const { bytesRead } = room <= 0 ? { bytesRead: 0 } : await handle.read(buffer, held, room, offset + held);
    if (bytesRead === 0) return;
    held += bytesRead;
    const end = buffer.subarray(0, held).lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      yield { bytes: buffer.subarray(0, end), offset, endOffset: offset + end };
      buffer.copyWithin(0, end, held);
      held -= end;
      offset += end;
    } else if (held >= MAX_LINE_BYTES) {
      const endOffset = await findLineEnd(handle, offset + held, to);
      if (endOffset === undefined) return;
      buffer[MAX_LINE_BYTES - 1] = LINE_FEED;
      yield { bytes: buffer.subarray(0, MAX_LINE_BYTES), offset, endOffset };
      held = 0;
      offset = endOffset;
    } else if (held === buffer.length) {
      buffer = Buffer.concat([buffer], buffer.length * 2);
    }
  }
}

/** The offset after the next line break; undefined where there is none yet. */
async function findLineEnd(handle: FileHandle, from: number, to: number): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let offset = from; offset < to;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return undefined;
    const end = buffer.subarray(0, bytesRead).indexOf(LINE_FEED);
    if (end >= 0) return offset + end + 1;
    offset += bytesRead;
  }
  return undefined;
}
