import { readFileSync } from 'node:fs';

/** Whether a process is there and runs. One that was killed and that its parent has not asked about yet is still listed, as a zombie. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    // Not Linux, where zombies cannot be told apart; or it has just gone.
    return process.platform !== 'linux';
  }
}

/** Resolves when a process is not there any more; one that was killed may need a moment to notice. */
export async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise(setImmediate);
}
