import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder that is gone when the test is. */
export interface TestFolder extends Disposable {
  readonly path: string;
  /** Writes a file below the folder; returns its path. */
  write(file: string, text: string): string;
}

/** A new folder with these files. */
export function createTestFolder(files: Readonly<Record<string, string>> = {}): TestFolder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tradewind-cli-')));
  const write = (file: string, text: string): string => {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
    return target;
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return {
    path: folder,
    write,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
