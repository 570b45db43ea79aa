import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SerializedDag } from '@tradewind/protocol';
import { BundleScanner, type BundleScan } from '../../dag-processor/bundle-scanner.ts';
import { isDagFile } from '../../dag-processor/reading-plan.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { readDagFile } from '../read-dag-files.ts';

/** What the dags of an environment send to others and expect from them. */
export interface Traffic {
  readonly environment: string;
  /** Version of the folder of dag files that this was read from. */
  readonly bundleVersion: string;
  readonly publishes: readonly { readonly asset: string; readonly topic: string }[];
  readonly watches: readonly { readonly asset: string; readonly queue: string }[];
}

/** Processes that read dag files compete for the processor. */
const READERS = 2;
/** Raised when the content of the file changes its meaning. */
const FORMAT = 1;

/**
 * Reads what the dags of an environment publish and watch. Files that cannot be read are left out: the environment itself says what is wrong with them. What was
 * read is kept for the next start, by the version of the folder.
 */
export async function readTraffic(config: EnvironmentConfig): Promise<Traffic> {
  const scan = await new BundleScanner({ bundleFolder: config.dagsFolder, stateFolder: config.stateFolder, clock }).scan();
  const file = path.join(config.stateFolder, 'traffic.json');
  const kept = await readKept(file, scan);
  if (kept !== undefined) return { ...kept, environment: config.name };
  const { dags, isComplete } = await readDags(config, scan);
  const traffic = { environment: config.name, bundleVersion: scan.version.bundleVersion, ...trafficOf(dags) };
  if (isComplete) await writeFile(file, JSON.stringify({ format: FORMAT, ...traffic }), { mode: 0o600 });
  return traffic;
}

async function readKept(file: string, { version }: BundleScan): Promise<Traffic | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Traffic & { readonly format: number };
    return kept.format === FORMAT && kept.bundleVersion === version.bundleVersion ? kept : undefined;
  } catch {
    // Not there yet, or half written: it is read anew.
    return undefined;
  }
}

async function readDags(
  config: EnvironmentConfig,
  { files, version }: BundleScan,
): Promise<{ readonly dags: readonly SerializedDag[]; readonly isComplete: boolean }> {
  const waiting = [...files.keys()].filter(isDagFile);
  const dags: SerializedDag[] = [];
  let isComplete = true;
  const readOn = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const read = await readDagFile(config, { ...version, file });
      if (read.ok) dags.push(...read.dags.map(({ dag }) => dag));
      else isComplete = false;
    }
  };
  await Promise.all(Array.from({ length: READERS }, readOn));
  return { dags, isComplete };
}

function trafficOf(dags: readonly SerializedDag[]): Pick<Traffic, 'publishes' | 'watches'> {
  const assets = dags.flatMap((dag) => dag.assets);
  return {
    publishes: distinct(assets.flatMap(({ name, publish }) => (publish === undefined ? [] : [{ asset: name, topic: publish.topic }]))),
    watches: distinct(assets.flatMap(({ name, watchers }) => watchers.map(({ queue }) => ({ asset: name, queue })))),
  };
}

function distinct<Item extends Readonly<Record<string, string>>>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
