import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Workload } from '@tradewind/protocol';

/** An input of more JSON text than this is handed over in a file, and read from there as far as the task asks for it. */
const MOST_IN_MESSAGE = 1_048_576;

/** The inputs of a try that lie in files, by name. */
export interface WrittenInputs {
  readonly files: Readonly<Record<string, string>>;
  remove(): void;
}

const NONE: WrittenInputs = { files: {}, remove() {} };

/** Hands large inputs over in files below the state folder, which nobody else can read. */
export class InputFiles {
  readonly #folder: string;
  #tries = 0;

  /** Removes what an earlier life of the environment left. */
  constructor(stateFolder: string) {
    this.#folder = path.join(stateFolder, 'inputs');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Writes the large inputs of a try. What holds a secret is not written: it has its place in the message alone.
   * @param workload as it was stored
   * @param opened the same with secrets in it
   * @throws the system's error where the files cannot be written; nothing is left of them
   */
  write({ inputsJson: stored }: Workload, { inputsJson }: Workload): WrittenInputs {
    const large = Object.entries(inputsJson).filter(([name, json]) => json.length > MOST_IN_MESSAGE && json === stored[name]);
    if (large.length === 0) return NONE;
    this.#tries += 1;
    const folder = path.join(this.#folder, String(this.#tries));
    const remove = (): void => {
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const files = large.map(([name, json], index) => {
        const file = path.join(folder, `${index}.json`);
        writeFileSync(file, json, { mode: 0o600, flag: 'wx' });
        return [name, file] as const;
      });
      return { files: Object.fromEntries(files), remove };
    } catch (error) {
      remove();
      throw error;
    }
  }
}
