import { readFileSync } from 'node:fs';
import { decodeJson } from '@tradewind/protocol';
import { createMappedValues } from '../authoring/mapped-values.ts';
import { JsonListFile } from './json-list-file.ts';

/** The inputs of one try: small ones came with the message that started it, large ones lie in files. */
export class TryInputs {
  readonly #json: Readonly<Record<string, string>>;
  readonly #files: Readonly<Record<string, string>>;
  readonly #open: JsonListFile[] = [];

  constructor(json: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
    this.#json = json;
    this.#files = files;
  }

  /** @param mapped names of the inputs that are lists of mapped values: those in files are read as far as somebody asks for them */
  read(mapped: readonly string[] = []): Readonly<Record<string, unknown>> {
    const inputs: Record<string, unknown> = {};
    for (const [name, json] of Object.entries(this.#json)) inputs[name] = decodeJson(json);
    for (const [name, file] of Object.entries(this.#files))
      inputs[name] = mapped.includes(name) ? this.#openList(file) : decodeJson(readFileSync(file, 'utf8'));
    return inputs;
  }

  /** Lets go of the files; what is read from a list after that fails. */
  close(): void {
    for (const list of this.#open.splice(0)) list.close();
  }

  #openList(file: string): unknown {
    const list = new JsonListFile(file);
    this.#open.push(list);
    return createMappedValues(list);
  }
}
