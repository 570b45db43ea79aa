import { glob, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DefinitionError } from '../../../errors.ts';
import { checkFields, readText } from '../../check-fields.ts';
import type { SensorOperatorSpec } from '../../task-kinds.ts';

/** What a file sensor waits for. */
export interface FileSensorOptions {
  /** A file, a folder with a file in it, or a pattern such as `/data/*.csv`; a template. */
  readonly path: string;
}

const MAX_PATH_LENGTH = 4_096;

/** What a poke of a file sensor finds. */
type FileFound = { readonly done: false } | { readonly done: true; readonly value: string };

/**
 * Waits until a file is there, and passes its path on: of several the first by name. A folder counts when there is a file in it, however deep.
 *
 * @example
 * const file = d.sensor('wait_file', { ...fileSensor({ path: '/data/{{ ds }}/*.csv' }), mode: 'reschedule', timeout: { hours: 6 } });
 * d.task('load', { inputs: { file }, run: ({ file }) => load(file) });
 */
export function fileSensor(options: FileSensorOptions): SensorOperatorSpec<Promise<FileFound>> {
  const fields = checkFields('fileSensor()', 'its options', options, { path: true });
  const pattern = readText('fileSensor()', 'path', fields.path, MAX_PATH_LENGTH) ?? '';
  if (pattern.trim() === '') throw new DefinitionError('fileSensor()', "path is missing, such as { path: '/data/orders.csv' }");
  return {
    operator: 'file_sensor',
    fields: { path: pattern },
    templateFields: ['path'],
    async poke(_, { fields: rendered }) {
      const found = await findFile(rendered['path'] as string);
      return found === undefined ? { done: false } : { done: true, value: found };
    },
  };
}

async function findFile(pattern: string): Promise<string | undefined> {
  const candidates = new Set<string>();
  // A path whose own name has the letters of a pattern is that path.
  if (await isThere(pattern)) candidates.add(pattern);
  else for await (const match of glob(pattern)) candidates.add(match);
  for (const candidate of [...candidates].toSorted()) {
    const found = await firstFile(candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The file itself, or the first one in a folder; undefined where there is none, or it is gone by now. */
async function firstFile(candidate: string): Promise<string | undefined> {
  const about = await stat(candidate).catch(ignoreMissing);
  if (about === undefined || !about.isDirectory()) return about === undefined ? undefined : candidate;
  const entries = (await readdir(candidate, { recursive: true, withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return files.toSorted()[0];
}

async function isThere(candidate: string): Promise<boolean> {
  return (await stat(candidate).catch(ignoreMissing)) !== undefined;
}

/** What is not there, or went away between two looks, is not found; anything else, such as a missing right, is an error. */
function ignoreMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
