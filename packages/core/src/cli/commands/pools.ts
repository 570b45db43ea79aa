import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { printRows } from '../output/print-rows.ts';
import type { EnvironmentOptions, OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

/** A pool as the API gives it: what people see of it. */
interface PoolRow {
  readonly name: string;
  readonly slots: number;
  readonly description: string | null;
  readonly include_deferred: boolean;
  readonly occupied_slots: number;
  readonly open_slots: number;
}

interface SetOptions extends OutputOptions {
  readonly includeDeferred?: boolean;
}

/** Airflow's file: by name what a pool is. */
const poolFile = z.record(
  z.string().min(1),
  z.strictObject({ slots: z.int().min(-1), description: z.string().default(''), include_deferred: z.boolean().default(false) }),
);

type PoolSettings = z.output<typeof poolFile>[string];

/** `tradewind pools list` */
export async function listPools({ folder, output }: OutputOptions): Promise<undefined> {
  const rows = await withSession(folder, readPools);
  await print(rows, output);
}

/** `tradewind pools get <pool>` */
export async function getPool(name: string, { folder, output }: OutputOptions): Promise<undefined> {
  const pool = await withSession(folder, (session) => session.ask({ method: 'GET', path: pathOf(name) }));
  await print([pool as PoolRow], output);
}

/** `tradewind pools set <pool> <slots> <description>`: makes the pool, or changes it. */
export async function setPool(name: string, slots: number, description: string, options: SetOptions): Promise<undefined> {
  const settings = { slots, description, include_deferred: options.includeDeferred ?? false };
  const pool = await withSession(options.folder, (session) => save(session, name, settings));
  await print([pool], options.output);
}

/** `tradewind pools delete <pool>` */
export async function deletePool(name: string, { folder }: EnvironmentOptions): Promise<undefined> {
  await withSession(folder, (session) => session.ask({ method: 'DELETE', path: pathOf(name) }));
  process.stderr.write(`the pool "${name}" is deleted; tasks that name it wait until there is one of that name again\n`);
}

/** `tradewind pools import <file>`: makes or changes every pool of the file; others stay. */
export async function importPools(file: string, { folder }: EnvironmentOptions): Promise<undefined> {
  const pools = Object.entries(await readPoolFile(file));
  await withSession(folder, async (session) => {
    for (const [name, settings] of pools) await save(session, name, settings);
  });
  process.stderr.write(`${pools.length} pools imported\n`);
}

/** `tradewind pools export <file>` */
export async function exportPools(file: string, { folder }: EnvironmentOptions): Promise<undefined> {
  const rows = await withSession(folder, readPools);
  const pools = Object.fromEntries(
    rows.map(({ name, slots, description, include_deferred: includeDeferred }) => [
      name,
      { slots, description: description ?? '', include_deferred: includeDeferred },
    ]),
  );
  const text = `${JSON.stringify(pools, null, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else await writeFile(file, text);
  process.stderr.write(`${rows.length} pools exported\n`);
}

async function readPools(session: EnvironmentSession): Promise<readonly PoolRow[]> {
  return (await readPages<PoolRow>(session, { path: '/api/v2/pools?order_by=name', key: 'pools' })).rows;
}

/** The default pool keeps its description, as in Airflow. */
async function save(session: EnvironmentSession, name: string, settings: PoolSettings): Promise<PoolRow> {
  const { description: _, ...withoutWords } = settings;
  const body = name === 'default_pool' ? withoutWords : settings;
  try {
    return (await session.ask({ method: 'PATCH', path: pathOf(name), body })) as PoolRow;
  } catch (error) {
    if (!(error instanceof TradewindError) || error.code !== 'not_found') throw error;
  }
  return (await session.ask({ method: 'POST', path: '/api/v2/pools', body: { name, ...settings } })) as PoolRow;
}

async function readPoolFile(file: string): Promise<Readonly<Record<string, PoolSettings>>> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new TradewindError('usage', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const read = poolFile.safeParse(content);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
  throw new TradewindError(
    'usage',
    `${file} does not hold pools as {"name": {"slots": 4, "description": "…", "include_deferred": false}}: ${problems.join('; ')}`,
  );
}

function pathOf(name: string): string {
  return `/api/v2/pools/${encodeURIComponent(name)}`;
}

async function print(rows: readonly PoolRow[], format: OutputOptions['output']): Promise<void> {
  await printRows(rows, {
    format,
    columns: [
      { header: 'pool', value: (row) => row.name },
      { header: 'slots', value: (row) => String(row.slots) },
      { header: 'taken', value: (row) => String(row.occupied_slots) },
      { header: 'open', value: (row) => (row.slots === -1 ? '' : String(row.open_slots)) },
      { header: 'include_deferred', value: (row) => String(row.include_deferred) },
      { header: 'description', value: (row) => row.description ?? '', isCuttable: true },
    ],
  });
}
