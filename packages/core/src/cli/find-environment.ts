/**
 * Which environment a command works on. `--folder` names it; without it the nearest folder counts, from the working folder upwards, that is an environment
 * (it has `tradewind.json` or a folder `dags`) or a fleet (it has `fleet.json`). In a fleet a command that names a dag works on the environment that has it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadConfig, type EnvironmentConfig } from '../platform/config.ts';
import { TradewindError } from '../platform/errors.ts';
import { FLEET_FILE, readFleet } from './fleet/fleet-file.ts';

/**
 * Finds the environments that a command may mean: one, or those of a fleet.
 * @throws TradewindError `usage` where there is none, `bad_configuration` where a file that says so is not valid
 */
export function findEnvironments(folder: string | undefined): readonly [EnvironmentConfig, ...EnvironmentConfig[]] {
  if (folder !== undefined) return environmentsIn(requireFolder(folder)) ?? refuse(folder);
  for (const candidate of foldersUpwards(process.cwd())) {
    const found = environmentsIn(candidate);
    if (found !== undefined) return found;
  }
  throw new TradewindError(
    'usage',
    `neither ${process.cwd()} nor a folder above it is an environment (dags folder or tradewind.json) or a fleet (${FLEET_FILE}); ` +
      'go to one, name it with --folder, or make one with "tradewind init <folder>"',
  );
}

/**
 * Finds the one environment that a command means.
 * @throws TradewindError `usage` also where it may mean several
 */
export function findEnvironment(folder: string | undefined): EnvironmentConfig {
  const [first, ...others] = findEnvironments(folder);
  if (others.length === 0) return first;
  const choices = [first, ...others].map((each) => path.relative(process.cwd(), each.folder) || '.');
  throw new TradewindError('usage', `this is a fleet of ${choices.length} environments; choose one with --folder: ${choices.join(', ')}`);
}

/**
 * Finds the folder of the nearest fleet.
 * @throws TradewindError `usage` where there is none
 */
export function findFleetFolder(folder: string | undefined): string {
  const candidates = folder === undefined ? foldersUpwards(process.cwd()) : [requireFolder(folder)];
  const found = candidates.find((candidate) => existsSync(path.join(candidate, FLEET_FILE)));
  if (found !== undefined) return found;
  const where = folder === undefined ? `${process.cwd()} or a folder above it` : path.resolve(folder);
  throw new TradewindError('usage', `there is no ${FLEET_FILE} in ${where}; name the folder of one with --folder`);
}

function environmentsIn(folder: string): [EnvironmentConfig, ...EnvironmentConfig[]] | undefined {
  if (existsSync(path.join(folder, 'tradewind.json')) || existsSync(path.join(folder, 'dags'))) return [loadConfig(folder)];
  if (!existsSync(path.join(folder, FLEET_FILE))) return undefined;
  const [first, ...others] = readFleet(folder).environments;
  return first === undefined ? undefined : [first, ...others];
}

function refuse(folder: string): never {
  throw new TradewindError(
    'usage',
    `${path.resolve(folder)} is no environment: it has neither a dags folder nor tradewind.json; make one with "tradewind init <folder>"`,
  );
}

function requireFolder(folder: string): string {
  const absolute = path.resolve(folder);
  if (existsSync(absolute)) return absolute;
  throw new TradewindError('usage', `--folder: there is no folder ${absolute}`);
}

function foldersUpwards(start: string): string[] {
  const parent = path.dirname(start);
  return parent === start ? [start] : [start, ...foldersUpwards(parent)];
}
