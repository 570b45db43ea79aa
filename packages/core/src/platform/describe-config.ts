import type { EnvironmentConfig } from './config.ts';

/** A section of the configuration, as people may see it. */
export interface ShownConfigSection {
  readonly name: string;
  readonly options: readonly { readonly key: string; readonly value: string }[];
}

/** Shown in the place of a value that could be secret, as in Airflow. */
export const HIDDEN = '< hidden >';

/** The settings whose values anybody who may see the configuration may see. A setting that is not here is hidden until somebody has thought about it. */
const SHOWN: ReadonlySet<string> = new Set([
  'environment.name',
  'environment.dagsFolder',
  'api.host',
  'api.port',
  'database.connectTimeoutSeconds',
  'executor.parallelism',
  'executor.taskHeapMb',
  'scheduler.maxMapLength',
  'xcom.offloadBytes',
  'xcom.folder',
  'xcom.store',
  'xcom.endpoint',
  'xcom.region',
  'secrets.variablesFile',
  'secrets.connectionsFile',
  'secrets.allowedVariables',
  'secrets.allowedConnections',
  'secrets.sensitiveNames',
  'dagProcessor.fileTimeoutSeconds',
  'dagProcessor.heapMb',
  'aws.region',
  'aws.accountId',
  'aws.endpoint',
  'log.level',
  'log.format',
]);

/** Where the environment keeps its things, which is known already to whoever sees its configuration. */
const NO_SECTIONS: ReadonlySet<string> = new Set(['folder', 'name', 'dagsFolder', 'stateFolder', 'logsFolder']);

/** The configuration for people: every setting that has a value, and the value where it cannot be a secret. */
export function describeConfig(config: EnvironmentConfig): readonly ShownConfigSection[] {
  return Object.entries(config as unknown as Readonly<Record<string, unknown>>)
    .filter(([name, section]) => !NO_SECTIONS.has(name) && typeof section === 'object' && section !== null && !Array.isArray(section))
    .map(([name, section]) => ({
      name,
      options: Object.entries(section as object)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]: [string, unknown]) => ({ key, value: SHOWN.has(`${name}.${key}`) ? textOf(value) : HIDDEN })),
    }));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
