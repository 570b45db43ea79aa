/**
 * Measures what reading a log of a million lines costs: `node packages/core/src/task-logs/testing/measure.ts`. Ends with 1 where a figure is over its limit:
 * 3 s for the index, 20 ms for any hundred lines (99 of 100 readings), 256 MiB of memory.
 */
import { once } from 'node:events';
import { createWriteStream, statSync } from 'node:fs';
import { systemClock as clock } from '../../platform/clock.ts';
import { indexFileOf } from '../index-file.ts';
import { indexTaskLog } from '../index-task-log.ts';
import { readTaskLogLines } from '../read-task-log-lines.ts';
import { searchTaskLog, type LogQuery } from '../search-task-log.ts';
import { createLogFolder, logLine } from './log-file.ts';

const LINES = 1_000_000;
const READINGS = 300;
const SAMPLE_MS = 20;
const LIMITS = { indexMs: 3_000, readMs: 20, memoryMb: 256 };

const folder = createLogFolder();
let peakMb = 0;
try {
  const { file } = folder;
  await writeLog(file);
  const indexMs = await time(() => indexTaskLog(file));
  const readMs: number[] = [];
  for (let reading = 0; reading < READINGS; reading += 1) {
    const from = 1 + ((reading * 611_953) % (LINES - 100));
    readMs.push(
      await time(async () => readTaskLogLines(file, await indexTaskLog(file), { from, to: from + 99 }, { lines: 1_000, bytes: 1_048_576 })),
    );
  }
  readMs.sort((a, b) => a - b);
  const slowest = readMs[Math.ceil(READINGS * 0.99) - 1] ?? 0;
  say(`log: ${LINES} lines, ${megabytes(statSync(file).size)} MB; its index: ${megabytes(statSync(indexFileOf(file)).size)} MB`);
  say(`index, built in one pass: ${indexMs.toFixed(0)} ms`);
  say(
    `any 100 lines, the index read from its file: median ${(readMs[READINGS / 2] ?? 0).toFixed(1)} ms, 99 of 100 within ${slowest.toFixed(1)} ms`,
  );
  const searches: readonly (readonly [string, Partial<LogQuery>])[] = [
    ['text in the last line', { text: `line ${LINES} ` }],
    ['an expression', { pattern: `line ${LINES - 1}\\b` }],
    ['the first 100 errors', { leastLevel: 'error' }],
  ];
  for (const [name, query] of searches) {
    const ms = await time(() => searchTaskLog(file, { fromLine: 1, limit: 100, ...query }, () => false));
    say(`search for ${name}: ${ms.toFixed(0)} ms`);
  }
  noteMemory();
  say(`memory of the process, at most: ${peakMb} MiB`);
  const isWithin = indexMs <= LIMITS.indexMs && slowest <= LIMITS.readMs && peakMb <= LIMITS.memoryMb;
  process.exitCode = isWithin ? 0 : 1;
} finally {
  folder[Symbol.dispose]();
}

async function writeLog(file: string): Promise<void> {
  const out = createWriteStream(file);
  for (let line = 1; line <= LINES; line += 1) {
    const fields = line % 10 === 0 ? { rows: line, table: 'orders', logger: 'task' } : {};
    const error = line % 1_000 === 0 ? { level: 'error', logger: 'task.stderr' } : {};
    if (!out.write(logLine(`line ${line} of an export, which read some rows and wrote them – all`, { ...fields, ...error })))
      await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedMs = clock.monotonicMs();
  let timer = clock.setTimer(SAMPLE_MS, sample);
  function sample(): void {
    noteMemory();
    timer = clock.setTimer(SAMPLE_MS, sample);
  }
  await work();
  timer.cancel();
  return clock.monotonicMs() - startedMs;
}

function noteMemory(): void {
  peakMb = Math.max(peakMb, Math.round(process.memoryUsage.rss() / 1_048_576));
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(bytes < 1_000_000 ? 2 : 0);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
