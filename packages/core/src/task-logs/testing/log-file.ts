import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder for the logs of one test, removed with it. */
export interface LogFolder extends Disposable {
  readonly file: string;
}

/** Makes a folder with the place of a log in it. */
export function createLogFolder(): LogFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-task-logs-'));
  return { file: path.join(folder, 'attempt=1.log'), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A line as our writers write it. */
export function logLine(
  event: string,
  { level = 'info', logger = 'task.stdout', ...fields }: Readonly<Record<string, unknown>> = {},
): string {
  return `${JSON.stringify({ ...fields, timestamp: '2026-11-21T12:00:00.000Z', level, event, logger })}\n`;
}

/** Many such lines: `line 1`, `line 2`, … */
export function logLines(count: number, from = 1): string {
  return Array.from({ length: count }, (_, index) => logLine(`line ${from + index}`)).join('');
}
