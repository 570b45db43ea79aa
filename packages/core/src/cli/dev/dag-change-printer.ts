import path from 'node:path';
import { styleText } from 'node:util';
import type { ParseFailure } from '@tradewind/protocol';
import type { DagFilesChange } from '../../dag-processor/dag-files.ts';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import { describeImportError } from '../output/describe-import-error.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import type { DagsByFile } from './read-known-dags.ts';

/** Enough of a version to tell two apart. */
const VERSION_DIGITS = 8;
const ID_WIDTH = 24;
/** How soon people are told that a broken file is well again. */
const RECOVERY_POLL_MS = 200;

/** A file that cannot be read, and the dags that it had. */
interface BrokenSave {
  readonly error: ParseFailure;
  readonly contentHash: string | undefined;
  readonly before: readonly string[];
  readonly session: EnvironmentSession;
}

/**
 * Says on standard output what each save changed, one after the other: the dags by name, or what is wrong with the file and where. Changes that come before the API
 * answers wait for it.
 */
export class DagChangePrinter {
  readonly #session = Promise.withResolvers<EnvironmentSession>();
  readonly #stopping = new AbortController();
  readonly #dagsByFile: Map<string, readonly string[]>;
  /** By file: the content that was found to be broken, which is read again whenever another file changes. */
  readonly #brokenSaves = new Map<string, string | undefined>();
  #printing: Promise<void> = Promise.resolve();

  /** @param known the dags that were there before the first change */
  constructor(known: DagsByFile) {
    this.#dagsByFile = new Map(known);
  }

  /** The API answers. */
  begin(session: EnvironmentSession): void {
    this.#session.resolve(session);
  }

  /** Looks no longer after broken files. */
  stop(): void {
    this.#stopping.abort();
  }

  print(change: DagFilesChange): void {
    this.#printing = this.#printing.then(async () => this.#printChange(change, await this.#session.promise));
  }

  async #printChange(change: DagFilesChange, session: EnvironmentSession): Promise<void> {
    const { file, changedDags, removedDags, error, contentHash } = change;
    const shown = this.#shownFile(file, session);
    const known = new Set([...this.#dagsByFile.values()].flat());
    const before = this.#dagsByFile.get(file) ?? [];
    const after = new Set([...before, ...changedDags]).difference(new Set(removedDags));
    this.#dagsByFile.set(file, [...after]);
    if (error === undefined) this.#brokenSaves.delete(file);
    for (const dagId of changedDags) {
      writeDag(dagId, coloured('green', known.has(dagId) ? 'changed' : 'new    '), `${shown}  ${await readVersion(session, dagId)}`);
    }
    for (const dagId of removedDags) writeDag(dagId, coloured('yellow', 'removed'), shown);
    if (error !== undefined) this.#printError(file, { error, contentHash, before: [...after], session });
  }

  #printError(file: string, { error, contentHash, before, session }: BrokenSave): void {
    const wasBroken = this.#brokenSaves.has(file);
    if (wasBroken && this.#brokenSaves.get(file) === contentHash) return;
    this.#brokenSaves.set(file, contentHash);
    const { summary, excerpt } = describeImportError(session.config, error);
    write(coloured('red', summary));
    if (excerpt !== undefined) write(excerpt);
    write(before.length === 0 ? 'nothing of this file runs until it is put right' : `the last good version of ${before.join(', ')} stays`);
    if (!wasBroken) void this.#watchRecovery(file, session);
  }

  /** A file that is put back as it was changes no dag, so no change says that it is well again. */
  async #watchRecovery(file: string, session: EnvironmentSession): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#brokenSaves.has(file)) {
      await sleep(clock, RECOVERY_POLL_MS, signal);
      if (signal.aborted) return;
      if (await isBroken(file, session)) continue;
      await this.#printing;
      if (this.#brokenSaves.delete(file))
        write(`${this.#shownFile(file, session)} is ${coloured('green', 'well again')}, and its dags are as before`);
    }
  }

  #shownFile(file: string, { config }: EnvironmentSession): string {
    return path.relative(config.folder, path.join(config.dagsFolder, file));
  }
}

async function isBroken(file: string, { ask }: EnvironmentSession): Promise<boolean> {
  try {
    const answer = await ask({ method: 'GET', path: `/api/v2/importErrors?filename=${encodeURIComponent(file)}` });
    return (answer as { readonly total_entries: number }).total_entries > 0;
  } catch {
    // The environment is about to end, or too busy: it is asked again.
    return true;
  }
}

/** The version that new runs start on. */
async function readVersion({ ask }: EnvironmentSession, dagId: string): Promise<string> {
  try {
    const dag = await ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` });
    return `version ${(dag as { readonly bundle_version: string }).bundle_version.slice(0, VERSION_DIGITS)}`;
  } catch (error) {
    return `version unknown: ${messageOf(error)}`;
  }
}

function writeDag(dagId: string, word: string, rest: string): void {
  write(`${dagId.padEnd(ID_WIDTH)}  ${word}  ${rest}`);
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

function coloured(colour: 'green' | 'red' | 'yellow', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}
