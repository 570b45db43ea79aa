import path from 'node:path';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { readDatabaseStatus } from '../database-status.ts';
import { readEnvironmentFile } from '../environment-file.ts';
import { findEnvironments } from '../find-environment.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { connectToRunning } from '../session/running-session.ts';
import { VERSION } from '../version.ts';

interface InfoRow {
  readonly name: string;
  readonly value: string;
}

/** `tradewind info`: the program, and the environments that a command would work on here. */
export async function showInfo({ folder, output }: OutputOptions): Promise<undefined> {
  const rows: InfoRow[] = [
    { name: 'version', value: VERSION },
    { name: 'node', value: `${process.versions.node} (${process.execPath})` },
    { name: 'platform', value: `${process.platform} ${process.arch}` },
  ];
  for (const config of environmentsHere(folder)) rows.push(...(await describeEnvironment(config)));
  await printRows(rows, {
    format: output,
    columns: [
      { header: 'name', value: ({ name }) => name },
      { header: 'value', value: ({ value }) => value },
    ],
  });
}

/** Where there is no environment, what is known about the program is an answer, too. */
function environmentsHere(folder: string | undefined): readonly EnvironmentConfig[] {
  try {
    return findEnvironments(folder);
  } catch (error) {
    if (folder === undefined && error instanceof TradewindError && error.code === 'usage') return [];
    throw error;
  }
}

async function describeEnvironment(config: EnvironmentConfig): Promise<InfoRow[]> {
  const running = await connectToRunning(config);
  const database = await readDatabaseStatus(config);
  const file = running === undefined ? undefined : await readEnvironmentFile(config);
  const facts = {
    environment: config.name,
    folder: config.folder,
    dags_folder: config.dagsFolder,
    logs_folder: config.logsFolder,
    password_file: path.join(config.stateFolder, 'admin-password'),
    database: database.location,
    schema_version: `${database.schema_version} of ${database.wanted_schema_version}`,
    executor_parallelism: String(config.executor.parallelism),
    running: running === undefined ? 'no' : `process ${file?.pid ?? 'unknown'}`,
    address: running?.address ?? '',
  };
  return Object.entries(facts).map(([name, value]) => ({ name, value }));
}
