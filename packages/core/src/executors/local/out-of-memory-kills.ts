import { readFile } from 'node:fs/promises';

/** Tells whether the kernel has ended a process because memory ran out: a signal alone does not say who sent it. */
export interface OutOfMemoryKills {
  /** Whether the kernel has done so since the last call, or since this was made. */
  haveIncreased(): Promise<boolean>;
}

/** Reads the kernel's counter for the whole machine, which is the one that is there with and without control groups. */
export function watchOutOfMemoryKills(file = '/proc/vmstat'): OutOfMemoryKills {
  let last = readCount(file);
  return {
    async haveIncreased() {
      const before = await last;
      last = readCount(file);
      return (await last) > before;
    },
  };
}

/** 0 where the system has no such counter. */
async function readCount(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
