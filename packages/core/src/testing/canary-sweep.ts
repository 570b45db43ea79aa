/**
 * Lets tasks of a real environment give secrets away in every encoding and through every channel, and looks for them in everything that the environment keeps
 * or shows. The full sweep: `node packages/core/src/testing/canary-sweep.ts [secrets] [seed]`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEnvironment, type RunningEnvironment } from '../cli/environment.ts';
import type { Activity } from '../platform/activity.ts';
import { systemClock } from '../platform/clock.ts';
import { loadConfig } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import type { Database, Statement } from '../store/database.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { CANARY_ENCODINGS, traceOf } from './canary-encodings.ts';

/** What a sweep found. */
export interface SweepResult {
  readonly secrets: number;
  readonly encodings: number;
  /** By channel: how many characters were looked through, how often something was masked in them, and what was found in the clear. */
  readonly channels: Readonly<Record<string, { readonly characters: number; readonly masked: number; readonly found: readonly string[] }>>;
}

/** A failure's text has room for so many secrets in every encoding. */
const SECRETS_PER_TASK = 4;
const ALPHABET = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=@:#%&?!$*'"<>\\ äß€`;

/** A text and every text inside of its JSON and HTML, so that what is escaped is found as well as what is not. */
export function unfold(text: string, depth = 0): string {
  const parts = [text, text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)];
  if (depth < 4) for (const line of text.split('\n')) for (const leaf of leavesOf(parse(line))) parts.push(unfold(leaf, depth + 1));
  return parts.join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

function leavesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, item]) => [key, ...leavesOf(item)]) : [];
}

/** Runs the sweep in a folder of its own, which is removed afterwards. */
export async function sweepCanaries(count: number, seed: number): Promise<SweepResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-canary-'));
  try {
    return await sweep(folder, createSecrets(count, seed));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What of the secrets stands in a text, in whatever encoding. */
export function findCanaries(text: string, secrets: readonly string[]): readonly string[] {
  return secrets.flatMap((secret, index) =>
    Object.keys(CANARY_ENCODINGS).flatMap((encoding) =>
      text.includes(traceOf(encoding, secret)) ? [`secret ${index} as ${encoding}`] : [],
    ),
  );
}

/** Secrets of every length and with every kind of character, the same ones for a seed. */
export function createSecrets(count: number, seed: number): readonly string[] {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const characters = Array.from(ALPHABET);
  return Array.from({ length: count }, () => {
    const inner = Array.from({ length: 10 + below(30) }, () => characters[below(characters.length)] ?? 'x').join('');
    return `K${inner}k`;
  });
}

async function sweep(folder: string, secrets: readonly string[]): Promise<SweepResult> {
  mkdirSync(path.join(folder, 'dags'));
  const ownLog: string[] = [];
  const ended = Promise.withResolvers<undefined>();
  const observe = (activity: Activity): void => {
    if (activity.type === 'dag_run' && (activity.state === 'success' || activity.state === 'failed')) ended.resolve(undefined);
  };
  const broken = Promise.withResolvers<undefined>();
  const config = loadConfig(folder, {});
  const environment = await startEnvironment(config, {
    observe,
    onDagsChanged: (change) => {
      if (JSON.stringify(change).includes('broken')) broken.resolve(undefined);
    },
    log: createLog({ level: 'debug', format: 'json', now: () => systemClock.now(), write: (line) => void ownLog.push(line) }),
  });
  const texts: Record<string, string> = {};
  try {
    const ask = clientOf(environment, config.stateFolder);
    await setSecrets(ask, secrets);
    writeFileSync(path.join(config.dagsFolder, 'leak.ts'), dagFile(secrets.length));
    await untilDag(ask);
    writeFileSync(path.join(config.dagsFolder, 'broken.ts'), `throw new Error(${JSON.stringify(`no login with ${secrets[0]}`)});\n`);
    await broken.promise;
    const { dag_run_id: runId } = await ask('POST', '/api/v2/dags/leak/dagRuns', { logical_date: null });
    await ended.promise;
    texts['api'] = await readApi(environment, config.stateFolder, String(runId));
  } finally {
    await environment.stop();
  }
  texts['logs'] = readAll(config.logsFolder);
  texts['environment log'] = ownLog.join('');
  texts['database'] = await dump(path.join(config.stateFolder, 'database.sqlite'));
  const channels = Object.entries(texts).map(([channel, text]) => [
    channel,
    { characters: text.length, masked: text.split('***').length - 1, found: findCanaries(unfold(text), secrets) },
  ]);
  return {
    secrets: secrets.length,
    encodings: Object.keys(CANARY_ENCODINGS).length,
    channels: Object.fromEntries(channels) as SweepResult['channels'],
  };
}

/** One dag whose tasks print, log, throw, skip with, return, push and render every secret in every encoding. */
function dagFile(count: number): string {
  const sdk = new URL('../../../sdk/src/index.ts', import.meta.url).href;
  const encodings = new URL('canary-encodings.ts', import.meta.url).href;
  return `
import { dag } from ${JSON.stringify(sdk)};
import { CANARY_ENCODINGS } from ${JSON.stringify(encodings)};
const keys = Array.from({ length: ${count} }, (_, index) => 'canary_secret_' + index);
const encode = (secret) => Object.values(CANARY_ENCODINGS).map((one) => one(secret));
const read = async (context, wanted) => (await Promise.all(wanted.map((key) => context.variable(key)))).flatMap(encode);
export const leak = dag('leak', (d) => {
  d.task('print', { variables: keys, run: async (_, context) => {
    for (const text of await read(context, keys)) {
      console.log(text);
      console.error(text);
      context.log.info(text, { field: text, nested: [{ text }] });
    }
  } });
  d.task('connect', { connections: ['canary'], run: async (_, context) => console.log(JSON.stringify(await context.connection('canary'))) });
  const values = d.task('return', { variables: keys, run: async (_, context) => {
    const texts = await read(context, keys);
    await context.xcom.push('pushed', { texts });
    return texts;
  } });
  d.task('pass_on', { inputs: { values }, run: ({ values }) => { console.log(values.join('\\n')); return { values }; } });
  for (let start = 0; start < keys.length; start += ${SECRETS_PER_TASK}) {
    const some = keys.slice(start, start + ${SECRETS_PER_TASK});
    d.task('throw_' + start, { variables: some, run: async (_, context) => { throw new Error((await read(context, some)).join(' ')); } });
    d.task('skip_' + start, { variables: some, run: async (_, context) => context.skip((await read(context, some)).join(' ')) });
    const first = start * ${Object.keys(CANARY_ENCODINGS).length};
    const fields = Object.fromEntries(some.flatMap((key, place) => Object.keys(CANARY_ENCODINGS).map((_, index) => {
      const at = first + place * ${Object.keys(CANARY_ENCODINGS).length} + index;
      return [key.replace('secret', 'field') + '_' + index, '{{ inputs.values[' + at + '] }}'];
    })));
    d.task('render_' + start, { inputs: { values }, operator: 'show', fields, templateFields: Object.keys(fields), run: () => null });
  }
});
`;
}

type Ask = (method: string, url: string, body?: object) => Promise<Readonly<Record<string, unknown>>>;

function clientOf({ address }: RunningEnvironment, stateFolder: string): Ask {
  const { token } = JSON.parse(readFileSync(path.join(stateFolder, 'environment.json'), 'utf8')) as { token: string };
  return async (method, url, body) => {
    const response = await fetch(`${address}${url}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { ...(parse(text) as object), status: response.status, text };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function setSecrets(ask: Ask, secrets: readonly string[]): Promise<void> {
  const entities = secrets.map((value, index) => ({ key: `canary_secret_${index}`, value }));
  await ask('PATCH', '/api/v2/variables', { actions: [{ action: 'create', entities }] });
  const [password, key] = secrets;
  const extra = JSON.stringify({ private_key: key });
  await ask('POST', '/api/v2/connections', { connection_id: 'canary', conn_type: 'http', host: 'h', password, extra });
}

async function untilDag(ask: Ask): Promise<void> {
  while ((await ask('GET', '/api/v2/dags/leak'))['status'] !== 200) {
    await new Promise<void>((resolve) => {
      systemClock.setTimer(20, resolve);
    });
  }
}

/** Everything that the API and the pages show of the run, the secrets and the broken file. */
async function readApi(environment: RunningEnvironment, stateFolder: string, runId: string): Promise<string> {
  const ask = clientOf(environment, stateFolder);
  const run = `/api/v2/dags/leak/dagRuns/${encodeURIComponent(runId)}`;
  const instances: { task_id: string }[] = [];
  for (let total = 1; instances.length < total;) {
    const page = await ask('GET', `${run}/taskInstances?limit=100&offset=${instances.length}`);
    instances.push(...(page['task_instances'] as { task_id: string }[]));
    total = page['total_entries'] as number;
  }
  const urls = [
    '/api/v2/variables?limit=100',
    '/api/v2/connections',
    '/api/v2/config',
    '/api/v2/importErrors',
    '/api/v2/tradewind/secrets/fetches?limit=1000',
    run,
    `${run}/taskInstances?limit=100`,
    `${run}/taskInstances/return/xcomEntries/pushed`,
    ...instances.flatMap(({ task_id: id }) => [
      `${run}/taskInstances/${id}`,
      `${run}/taskInstances/${id}/tries`,
      `${run}/taskInstances/${id}/logs/1?full_content=true`,
      `${run}/taskInstances/${id}/xcomEntries/return_value`,
      `${run}/taskInstances/${id}/xcomEntries/return_value?stringify=true`,
      `/dags/leak/runs/${encodeURIComponent(runId)}/tasks/${id}`,
    ]),
    '/',
    '/dags/leak',
    `/dags/leak/runs/${encodeURIComponent(runId)}`,
  ];
  const texts: string[] = [];
  for (const url of urls) texts.push(String((await ask('GET', url))['text']));
  return texts.join('\n');
}

function readAll(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8')).join('\n');
}

/** Every row of every table, as text. */
async function dump(file: string): Promise<string> {
  const database = openSqlite({ file, now: () => 0 });
  try {
    const [tables] = await database.batch([statement<{ name: string }>(`select name from sqlite_master where type = 'table'`)]);
    const rows: unknown[] = [];
    for (const { name } of tables) rows.push(await readTable(database, name));
    return JSON.stringify(rows);
  } finally {
    await database.close();
  }
}

async function readTable(database: Database, name: string): Promise<readonly unknown[]> {
  const [rows] = await database.batch([statement<unknown>(`select * from "${name}"`)]);
  return rows;
}

function statement<Row>(text: string): Statement<Row> {
  return { name: `canary ${text}`.slice(0, 60), text: () => text, values: [] };
}

if (import.meta.main) {
  const [count = '100', seed = '1'] = process.argv.slice(2);
  const result = await sweepCanaries(Number(count), Number(seed));
  const found = Object.values(result.channels).flatMap((channel) => channel.found);
  process.stdout.write(`${result.secrets} secrets x ${result.encodings} encodings, seed ${seed}\n`);
  for (const [channel, { characters, masked, found: inChannel }] of Object.entries(result.channels)) {
    process.stdout.write(`  ${channel}: ${characters} characters, masked ${masked} times, found in the clear ${inChannel.length}\n`);
    for (const one of inChannel.slice(0, 10)) process.stdout.write(`    ${one}\n`);
  }
  process.stdout.write(found.length === 0 ? 'nothing was found in the clear\n' : `${found.length} found in the clear\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
