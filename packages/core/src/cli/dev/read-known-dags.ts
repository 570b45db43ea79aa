import { existsSync } from 'node:fs';
import path from 'node:path';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import { readKnownFiles } from '../../store/reads/known-dag-files.ts';
import { openStore } from '../open-store.ts';
import { readSchemaStatus } from '../read-schema-status.ts';

/** Ids of dags by the file that defines them. */
export type DagsByFile = ReadonlyMap<string, readonly string[]>;

/** Reads which dags an earlier life of the environment knew, before it starts: what it then finds is new or changed. */
export async function readKnownDags(config: EnvironmentConfig): Promise<DagsByFile> {
  if (config.database.url === undefined && !existsSync(path.join(config.stateFolder, 'database.sqlite'))) return new Map();
  const store = await openStore(config, { clock, random: systemRandom(() => clock.now()), log: silentLog });
  try {
    const { version, wanted } = await readSchemaStatus(store.database);
    // An older schema may not have what is asked for; its dags are then called new.
    if (version !== wanted) return new Map();
    const files = await readKnownFiles(store.database);
    return new Map(files.map(({ file, dags }) => [file, dags.map(({ dagId }) => dagId)]));
  } finally {
    await store.close();
  }
}
