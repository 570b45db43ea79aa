import path from 'node:path';
import type { EnvironmentConfig } from '../platform/config.ts';
import type { Log } from '../platform/log.ts';
import { openValueFiles } from '../platform/value-files.ts';
import { LargeValues } from '../platform/value-store.ts';

/** Opens where an environment keeps its large values. */
export function openValues({ xcom, folder, stateFolder, name }: EnvironmentConfig, log: Log): LargeValues {
  const values = xcom.folder === undefined ? path.join(stateFolder, 'xcoms') : path.resolve(folder, xcom.folder, name);
  return new LargeValues({ store: openValueFiles(values), offloadBytes: xcom.offloadBytes, log });
}
