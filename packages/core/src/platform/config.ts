/**
 * The configuration of an environment: defaults, then `tradewind.json` in its folder, then variables `TRADEWIND__SECTION__KEY`. The environment's variables are
 * read here and nowhere else.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { bundlesSchema, resolveBundles, type BundleConfig } from './bundle-config.ts';
import { TradewindError, messageOf } from './errors.ts';

const port = z.int().min(0).max(65_535);

/** A list of names; a variable of the environment has them separated by commas. */
const names = z.preprocess(
  (given) =>
    typeof given === 'string'
      ? given
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '')
      : given,
  z.array(z.string().min(1).max(250)).default([]),
);

/** Amazon's rule for names of buckets, and of a prefix the characters that need no escape anywhere (S3 User Guide, "Naming Amazon S3 objects"). */
const VALUE_BUCKET = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/(?!\.+(\/|$))[\w.-]+)*$/;

const configSchema = z.strictObject({
  environment: z
    .strictObject({
      /** Part of the source of every event. @default the name of the folder */
      name: z
        .string()
        .regex(/^[\w.-]{1,100}$/, 'takes letters, digits, "_", "." and "-", at most 100 of them')
        .optional(),
      /** Folder of the dag files, relative to the environment's. */
      dagsFolder: z.string().min(1).default('dags'),
    })
    .prefault({}),
  api: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      /** Without one the first free port from 8080 on is taken. */
      port: port.optional(),
    })
    .prefault({}),
  database: z
    .strictObject({
      /** `postgres://…`; without one the environment has a SQLite database of its own. */
      url: z
        .string()
        .regex(/^postgres(ql)?:\/\//, 'takes a URL that begins with postgres://')
        .optional(),
      /** Longest time in seconds that the start of an environment waits for the server; 0 for not at all. */
      connectTimeoutSeconds: z.number().min(0).max(86_400).default(60),
    })
    .prefault({}),
  executor: z
    .strictObject({
      /** Attempts that run at the same time. */
      parallelism: z.int().min(1).max(10_000).default(32),
      /** Heap of a task's process in MiB. */
      taskHeapMb: z.int().min(32).max(1_048_576).default(512),
    })
    .prefault({}),
  scheduler: z
    .strictObject({
      /** Most task instances of one mapped task (Airflow's `max_map_length`). */
      maxMapLength: z.int().min(1).max(1_000_000).default(1_024),
    })
    .prefault({}),
  xcom: z
    .strictObject({
      /** Values that are longer, in bytes of JSON, lie in files or a bucket and not in the database; 0 for all, -1 for none. */
      offloadBytes: z.int().min(-1).default(1_048_576),
      /** Folder in which the environment has a folder of those files, relative to its own; all its processes must see it. @default `xcoms` in the state folder */
      folder: z.string().min(1).optional(),
      /** A bucket that has them in place of the folder: `s3://bucket` or `s3://bucket/prefix`; under it the environment has a prefix of its own name. */
      store: z.string().regex(VALUE_BUCKET, 'takes s3://<bucket> or s3://<bucket>/<prefix>, without a slash at the end').optional(),
      /** Address of the bucket's service where it is another than that of SNS and SQS. @default `aws.endpoint` */
      endpoint: z.url().optional(),
      /** @default `aws.region` */
      region: z.string().min(1).optional(),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      /** Master keys, 32 bytes in base64 each, separated by commas; the first seals, all open. Without one there is a file in the state folder. */
      key: z.string().min(1).optional(),
      /** A file of variables that comes before the environment and the database, relative to the environment's folder: `.json`, `.yaml`, `.env`. */
      variablesFile: z.string().min(1).optional(),
      /** The same for connections. */
      connectionsFile: z.string().min(1).optional(),
      /** Variables that every task may read without declaring them; `*` stands for any characters. */
      allowedVariables: names,
      /** The same for connections. */
      allowedConnections: names,
      /** Words that make a name sensitive, beside Airflow's. */
      sensitiveNames: names,
    })
    .prefault({}),
  triggerer: z
    .strictObject({
      /** Triggers that wait in one triggerer at the same time; timers are not among them. */
      capacity: z.int().min(1).max(1_000_000).default(10_000),
      /** Heap in MiB of a process that runs triggers, up to a thousand of them, or callbacks. */
      heapMb: z.int().min(32).max(1_048_576).default(256),
      /** Longest time in seconds that the callbacks of one happening may take together. */
      callbackTimeoutSeconds: z.number().positive().max(86_400).default(30),
    })
    .prefault({}),
  dagProcessor: z
    .strictObject({
      /** Longest time in seconds that reading one dag file may take. */
      fileTimeoutSeconds: z.number().positive().max(3_600).default(30),
      /** Heap of a parse process in MiB. */
      heapMb: z.int().min(32).max(1_048_576).default(256),
    })
    .prefault({}),
  /** Further places of dag files. */
  bundles: bundlesSchema,
  aws: z
    .strictObject({
      region: z.string().min(1).default('us-east-1'),
      accountId: z
        .string()
        .regex(/^\d{12}$/, 'takes the twelve digits of an account')
        .default('000000000000'),
      /** Another address than Amazon's, such as that of an emulator. */
      endpoint: z.url().optional(),
      /** Credentials come from the SDK's usual chain unless both are given. */
      accessKeyId: z.string().min(1).optional(),
      secretAccessKey: z.string().min(1).optional(),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warning', 'error']).default('info'),
      format: z.enum(['text', 'json']).default('text'),
    })
    .prefault({}),
});

/** The configuration of an environment, checked, with every default filled in. */
export interface EnvironmentConfig extends z.infer<typeof configSchema> {
  /** Absolute path of the environment's folder. */
  readonly folder: string;
  readonly name: string;
  /** Absolute path of the folder of dag files. */
  readonly dagsFolder: string;
  /** Absolute path of the folder of everything that the environment keeps: database, logs, secrets. */
  readonly stateFolder: string;
  readonly logsFolder: string;
  /** Beside the folder of dag files, in the order in which a dag that several define belongs to one of them. */
  readonly bundles: readonly BundleConfig[];
}

const CONFIG_FILE = 'tradewind.json';
const VARIABLE = /^TRADEWIND__(?<section>[A-Z]+(?:_[A-Z]+)*)__(?<key>[A-Z]+(?:_[A-Z]+)*)$/;

/**
 * Reads the configuration of the environment in a folder.
 * @throws TradewindError `bad_configuration` naming the file or variable, the key and what it takes
 */
export function loadConfig(folder: string, variables: Readonly<Record<string, string | undefined>> = process.env): EnvironmentConfig {
  const absolute = path.resolve(folder);
  const file = path.join(absolute, CONFIG_FILE);
  const settings = readFile(file);
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && name.startsWith('TRADEWIND__')) applyVariable(settings, name, value);
  }
  const result = configSchema.safeParse(settings);
  if (!result.success) throw badConfiguration(result.error, file);
  const config = result.data;
  const stateFolder = path.join(absolute, '.tradewind');
  return {
    ...config,
    folder: absolute,
    name: config.environment.name ?? path.basename(absolute),
    dagsFolder: path.resolve(absolute, config.environment.dagsFolder),
    stateFolder,
    logsFolder: path.join(stateFolder, 'logs'),
    bundles: resolveBundles(config.bundles, absolute),
  };
}

type Settings = Record<string, Record<string, unknown>>;

function readFile(file: string): Settings {
  if (!existsSync(file)) return {};
  try {
    const settings: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) throw new Error('it holds no JSON object');
    return settings as Settings;
  } catch (error) {
    throw new TradewindError('bad_configuration', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** `TRADEWIND__DAG_PROCESSOR__HEAP_MB=512` sets `dagProcessor.heapMb`. Numbers are numbers; everything else is text. */
function applyVariable(settings: Settings, name: string, value: string): void {
  const parts = VARIABLE.exec(name)?.groups;
  if (parts === undefined) {
    throw new TradewindError('bad_configuration', `the variable ${name} names no setting; they are named TRADEWIND__SECTION__KEY`);
  }
  const section = camelCase(parts['section'] ?? '');
  (settings[section] ??= {})[camelCase(parts['key'] ?? '')] =
    /^-?\d+(\.\d+)?$/.test(value) && parts['key'] !== 'ACCOUNT_ID' ? Number(value) : value;
}

function camelCase(text: string): string {
  return text.toLowerCase().replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function badConfiguration(error: z.ZodError, file: string): TradewindError {
  const problems = error.issues.map(({ path: where, message }) => `${where.join('.') || 'the whole'}: ${message}`);
  return new TradewindError(
    'bad_configuration',
    `the configuration (${file}, or variables TRADEWIND__SECTION__KEY) is not valid: ${problems.join('; ')}`,
    { cause: error },
  );
}
