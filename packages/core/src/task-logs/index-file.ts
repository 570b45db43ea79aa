import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { threadId } from 'node:worker_threads';
import { LOG_LEVELS } from '@tradewind/protocol';
import { z } from 'zod';
import { LOG_SOURCES } from './log-line.ts';
import { INDEX_FORMAT, type TaskLogIndex } from './task-log-index.ts';

const count = z.int().min(0);

/** An index as it is written. Its blocks are short lists: there may be thousands of them. */
const indexSchema = z.strictObject({
  format: z.literal(INDEX_FORMAT),
  bytes: count,
  lines: count,
  head: z.string(),
  tail: z.string(),
  levels: z.record(z.enum(LOG_LEVELS), count),
  sources: z.record(z.enum(LOG_SOURCES), count),
  errorLines: z.array(count),
  groups: z.strictObject({
    groups: z.array(z.strictObject({ name: z.string(), from: count, to: count.nullable(), parent: count.nullable() })),
    open: z.array(count.nullable()),
    excess: count,
  }),
  blocks: z.array(z.tuple([count, count, count])),
});

/** Where the index of a log is kept. */
export function indexFileOf(logFile: string): string {
  return `${logFile}.idx`;
}

/** The index that is kept beside a log; undefined where there is none that this program understands. */
export async function loadTaskLogIndex(logFile: string): Promise<TaskLogIndex | undefined> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(indexFileOf(logFile), 'utf8'));
  } catch {
    // Missing, unreadable or cut: it is made again from the log, which is what counts.
    return undefined;
  }
  const read = indexSchema.safeParse(content);
  if (!read.success) return undefined;
  return { ...read.data, blocks: read.data.blocks.map(([line, offset, contents]) => ({ line, offset, contents })) };
}

/**
 * Keeps an index beside its log. Of several that write at once one wins, whole. Where the folder cannot be written to nothing is kept, and the next reader
 * makes the index again.
 */
export async function saveTaskLogIndex(logFile: string, index: TaskLogIndex): Promise<void> {
  const file = indexFileOf(logFile);
  const unfinished = `${file}.${process.pid}-${threadId}.unfinished`;
  const blocks = index.blocks.map(({ line, offset, contents }) => [line, offset, contents]);
  try {
    await writeFile(unfinished, JSON.stringify({ ...index, blocks }));
    await rename(unfinished, file);
  } catch {
    // The log can be read without it.
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
}
