/**
 * `fleet.json`: which environments make up a fleet, and the run that shows that they work together.
 *
 *   { "environments": ["customers", "profiles"],
 *     "broker": "embedded",
 *     "run": { "environment": "customers", "dag": "customer_master",
 *              "waitFor": { "environment": "profiles", "dag": "customer_profile" } } }
 *
 * A file that says nothing but `{ "fleet": "examples/fleet" }` stands for the one in that folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { loadConfig, type EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError, messageOf } from '../../platform/errors.ts';

export const FLEET_FILE = 'fleet.json';

const dagOfEnvironment = z.strictObject({ environment: z.string().min(1), dag: z.string().min(1) });

const fleetSchema = z.strictObject({
  /** Folders of the environments, relative to the file's. */
  environments: z.array(z.string().min(1)).min(1),
  /** What carries the events: SNS and SQS inside the fleet's own process. */
  broker: z.literal('embedded').default('embedded'),
  /** Queues that get what is published to a topic, besides those that the dags name. */
  subscriptions: z.array(z.strictObject({ topic: z.string().min(1), queue: z.string().min(1) })).default([]),
  /** The run that `fleet up` asks for, and the one in which it ends. */
  run: z
    .strictObject({ ...dagOfEnvironment.shape, conf: z.record(z.string(), z.unknown()).default({}), waitFor: dagOfEnvironment })
    .optional(),
});

const pointerSchema = z.strictObject({ fleet: z.string().min(1) });

/** A dag of one of the fleet's environments. */
export type DagOfEnvironment = z.infer<typeof dagOfEnvironment>;
/** The run that shows that the fleet works. */
export type MainJob = NonNullable<z.infer<typeof fleetSchema>['run']>;

/** Environments that exchange events. */
export interface Fleet {
  /** Absolute path of the folder of `fleet.json`. */
  readonly folder: string;
  readonly environments: readonly EnvironmentConfig[];
  readonly subscriptions: z.infer<typeof fleetSchema>['subscriptions'];
  readonly run: MainJob | undefined;
}

/**
 * Reads the fleet of a folder.
 * @throws TradewindError `bad_configuration` naming the file, the key and what it takes
 */
export function readFleet(folder: string): Fleet {
  const file = followPointer(path.join(path.resolve(folder), FLEET_FILE));
  const parsed = fleetSchema.safeParse(readJson(file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: where, message }) => `${where.join('.') || 'the whole'}: ${message}`);
    throw bad(file, problems.join('; '));
  }
  const { environments: folders, subscriptions, run } = parsed.data;
  const environments = folders.map((each) => readEnvironment(file, each));
  checkNames(file, environments, run);
  return { folder: path.dirname(file), environments, subscriptions, run };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw bad(file, `it cannot be read: ${messageOf(error)}`, error);
  }
}

/** The file that a file stands for, which is itself in most cases. */
function followPointer(file: string): string {
  const pointer = pointerSchema.safeParse(readJson(file));
  if (!pointer.success) return file;
  const target = path.resolve(path.dirname(file), pointer.data.fleet, FLEET_FILE);
  if (existsSync(target)) return target;
  throw bad(file, `fleet: there is no ${target}`);
}

function readEnvironment(file: string, folder: string): EnvironmentConfig {
  const config = loadConfig(path.resolve(path.dirname(file), folder));
  if (existsSync(config.dagsFolder)) return config;
  throw bad(file, `environments: ${config.folder} has no folder of dag files (${config.dagsFolder})`);
}

function checkNames(file: string, environments: readonly EnvironmentConfig[], run: MainJob | undefined): void {
  const names = environments.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw bad(file, `environments: two are named "${twice}"; set environment.name in tradewind.json of one of them`);
  for (const [key, wanted] of Object.entries({ run: run?.environment, 'run.waitFor': run?.waitFor.environment })) {
    if (wanted !== undefined && !names.includes(wanted)) {
      throw bad(file, `${key}.environment: there is no environment "${wanted}"; there are ${names.join(', ')}`);
    }
  }
}

function bad(file: string, problem: string, cause?: unknown): TradewindError {
  return new TradewindError('bad_configuration', `${file} is not valid: ${problem}`, { cause });
}
