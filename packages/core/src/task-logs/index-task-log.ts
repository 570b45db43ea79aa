import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { LogLevel } from '@tradewind/protocol';
import { loadTaskLogIndex, saveTaskLogIndex } from './index-file.ts';
import { openIfPresent, readLineSegments } from './line-segments.ts';
import { GroupTracker } from './log-groups.ts';
import { readLineFacts, type LineFacts, type LogSource } from './log-line.ts';
import { EMPTY_INDEX, INDEX_FORMAT, levelBit, MAX_ERROR_LINES, sourceBit, type TaskLogIndex } from './task-log-index.ts';

/** Small enough to be read within a few milliseconds, large enough that a log of a gigabyte has an index of a few hundred kilobytes. */
const BLOCK_BYTES = 131_072;
/** An index is worth a file from this much of a log on; less is read again in a few milliseconds. */
const SAVE_BYTES = 524_288;
const FINGERPRINT_BYTES = 4_096;

/**
 * The index of a log as it is now. A log that does not exist has no lines.
 * @param known an index of the same log from earlier, to go on from. @default the one that is kept beside the log
 */
export async function indexTaskLog(file: string, known?: TaskLogIndex): Promise<TaskLogIndex> {
  const handle = await openIfPresent(file);
  if (handle === undefined) return EMPTY_INDEX;
  try {
    const kept = known ?? (await loadTaskLogIndex(file));
    const start = kept !== undefined && (await fits(kept, handle)) ? kept : EMPTY_INDEX;
    const index = await extend(start, handle);
    if (index.bytes - start.bytes >= SAVE_BYTES) await saveTaskLogIndex(file, index);
    return index;
  } finally {
    await handle.close();
  }
}

/** Whether the log still begins and goes on as it did when it was indexed; a log is only ever appended to. */
async function fits(index: TaskLogIndex, handle: FileHandle): Promise<boolean> {
  if (index.bytes === 0) return true;
  if ((await handle.stat()).size < index.bytes) return false;
  const { head, tail } = await fingerprints(handle, index.bytes);
  return head === index.head && tail === index.tail;
}

async function fingerprints(handle: FileHandle, bytes: number): Promise<{ head: string; tail: string }> {
  const length = Math.min(bytes, FINGERPRINT_BYTES);
  const hashAt = async (position: number): Promise<string> => {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex');
  };
  return { head: await hashAt(0), tail: await hashAt(bytes - length) };
}

async function extend(start: TaskLogIndex, handle: FileHandle): Promise<TaskLogIndex> {
  const builder = new IndexBuilder(start);
  let { bytes } = start;
  for await (const segment of readLineSegments(handle, start.bytes)) {
    // As single bytes, so that a place in the text is a place in the file; nothing of the text is kept but markers, which are parsed.
    builder.add(segment.bytes.toString('latin1'), segment);
    bytes = segment.endOffset;
  }
  return bytes === start.bytes ? start : builder.finish({ bytes, ...(await fingerprints(handle, bytes)) });
}

class IndexBuilder {
  readonly #levels: Record<LogLevel, number>;
  readonly #sources: Record<LogSource, number>;
  readonly #errorLines: number[];
  readonly #groups: GroupTracker;
  readonly #blocks: { line: number; offset: number; contents: number }[];
  #lines: number;

  constructor(start: TaskLogIndex) {
    this.#levels = { ...start.levels };
    this.#sources = { ...start.sources };
    this.#errorLines = [...start.errorLines];
    this.#groups = new GroupTracker(start.groups);
    this.#blocks = start.blocks.map((block) => ({ ...block }));
    this.#lines = start.lines;
  }

  add(text: string, { offset }: { readonly offset: number }): void {
    for (let start = 0; start < text.length;) {
      const end = text.indexOf('\n', start);
      this.#lines += 1;
      this.#count(this.#blockAt(offset + start), readLineFacts(text, start, end));
      start = end + 1;
    }
  }

  finish(indexed: Pick<TaskLogIndex, 'bytes' | 'head' | 'tail'>): TaskLogIndex {
    return {
      format: INDEX_FORMAT,
      ...indexed,
      lines: this.#lines,
      levels: this.#levels,
      sources: this.#sources,
      errorLines: this.#errorLines,
      groups: this.#groups.state,
      blocks: this.#blocks,
    };
  }

  #blockAt(offset: number): { contents: number } {
    const last = this.#blocks.at(-1);
    if (last !== undefined && offset - last.offset < BLOCK_BYTES) return last;
    const block = { line: this.#lines, offset, contents: 0 };
    this.#blocks.push(block);
    return block;
  }

  #count(block: { contents: number }, { level, source, marker }: LineFacts): void {
    this.#levels[level] += 1;
    this.#sources[source] += 1;
    block.contents |= levelBit(level) | sourceBit(source);
    if (level === 'error' && this.#errorLines.length < MAX_ERROR_LINES) this.#errorLines.push(this.#lines);
    // The text came as single bytes.
    if (marker !== undefined) this.#groups.observe(this.#lines, Buffer.from(marker, 'latin1').toString('utf8'));
  }
}
