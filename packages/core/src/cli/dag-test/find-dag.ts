import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CodeLocation, ParseFailure, SerializedDag } from '@tradewind/protocol';
import { BundleScanner } from '../../dag-processor/bundle-scanner.ts';
import { isDagFile } from '../../dag-processor/reading-plan.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { readDagFile } from '../read-dag-files.ts';

/** A dag as its file defines it now. */
export interface FoundDag {
  readonly dag: SerializedDag;
  readonly code: CodeLocation;
}

/** The dag, or the files that could not be read and may hold it. */
export type DagSearch =
  | { readonly found: true; readonly dag: FoundDag }
  | { readonly found: false; readonly failures: readonly ParseFailure[] };

/** Looks for a dag in the files of an environment, first in those that name it. Each is read in a process of its own. */
export async function findDag(config: EnvironmentConfig, dagId: string): Promise<DagSearch> {
  const { version, files } = await new BundleScanner({ bundleFolder: config.dagsFolder, stateFolder: config.stateFolder, clock }).scan();
  const failures: ParseFailure[] = [];
  for (const file of await likelyFirst(config.dagsFolder, [...files.keys()].filter(isDagFile), dagId)) {
    const code = { ...version, file };
    const read = await readDagFile(config, code);
    if (!read.ok) failures.push(read.error);
    const found = read.ok ? read.dags.find(({ dag }) => dag.dagId === dagId) : undefined;
    if (found !== undefined) return { found: true, dag: { dag: found.dag, code } };
  }
  return { found: false, failures };
}

/** A dag id is rarely put together from parts, so the file that has its text is almost always the one. */
async function likelyFirst(folder: string, files: readonly string[], dagId: string): Promise<readonly string[]> {
  const isLikely = await Promise.all(
    files.map(async (file) => (await readFile(path.join(folder, file), 'utf8').catch(() => '')).includes(dagId)),
  );
  return [...files.filter((_, index) => isLikely[index]), ...files.filter((_, index) => isLikely[index] !== true)];
}
