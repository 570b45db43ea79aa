/** The thread behind log-writer.ts. It may wait for the disk as long as it likes. */
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { LogPart, WrittenBatch } from './log-writer.ts';

parentPort?.on('message', ({ batch, parts }: { batch: number; parts: readonly LogPart[] }) => {
  const problems = parts.map(append).filter((problem) => problem !== undefined);
  parentPort?.postMessage({ batch, problems } satisfies WrittenBatch);
});

function append({ file, text }: LogPart): WrittenBatch['problems'][number] | undefined {
  try {
    appendMaking(file, text);
    return undefined;
  } catch (error) {
    return { file, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Folders are made when they turn out to be missing: the first time, and when somebody has taken them away. */
function appendMaking(file: string, text: string): void {
  try {
    appendFileSync(file, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(path.dirname(file), { recursive: true });
    appendFileSync(file, text);
  }
}
