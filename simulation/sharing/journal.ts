import { readFileSync } from 'node:fs';

/** A line that a task wrote. */
export interface JournalEntry {
  readonly what: 'begin' | 'end';
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
}

/** Reads what the tasks wrote, oldest first. */
export function readEntries(file: string): JournalEntry[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [what, runId = '', taskId = '', mapIndex] = line.split(' ');
      return { what: what === 'begin' ? 'begin' : 'end', runId, taskId, mapIndex: Number(mapIndex) };
    });
}

/** How often each task instance got to its end. */
export function countEntries(entries: readonly JournalEntry[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { what, runId, taskId, mapIndex } of entries) {
    const key = `${runId} ${taskId} ${mapIndex}`;
    if (what === 'end') counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** How many task instances of the tasks were between their beginning and their end at the same time, at most. */
export function highestTogether(entries: readonly JournalEntry[], isCounted: (taskId: string) => boolean): number {
  let together = 0;
  let highest = 0;
  for (const { what, taskId } of entries) {
    if (!isCounted(taskId)) continue;
    together += what === 'begin' ? 1 : -1;
    highest = Math.max(highest, together);
  }
  return highest;
}
