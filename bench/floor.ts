/**
 * The least that a hop can cost on this machine, measured with nothing of ours but the frames: one durable transaction that changes one row, and one round
 * trip to a warm child.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Duplex } from 'node:stream';
import { createFrameReader, encodeFrame } from '@tradewind/protocol';
import { Client } from 'pg';
import { percentiles, sharedNow } from './figures.ts';

/** A transaction that is durable when the promise is fulfilled, changing the rows with these ids. */
export interface FloorDatabase {
  commit(ids: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

/** A child that answers each message with the same one. */
export interface EchoChild {
  ask(message: unknown): Promise<unknown>;
  close(): void;
}

const ROWS = 2_000;
const WARM_UP = 50;
const HOPS_PER_SAMPLE = 80;

/** Measures hops at the floor, a few at a time between the runs of a benchmark, so that both see the same machine. */
export interface HopFloor {
  /** Measures some more hops. */
  sample(): Promise<void>;
  /** The p50 of all of them, in milliseconds. */
  p50Ms(): number;
  close(): Promise<void>;
}

/** Opens the database and starts the child of the floor. */
export async function openHopFloor(postgresUrl: string | undefined): Promise<HopFloor> {
  const database = await openFloorDatabase(postgresUrl);
  const child = startEchoChild();
  const times: number[] = [];
  const hop = async (number: number): Promise<number> => {
    const startedAt = sharedNow();
    await database.commit([number]);
    await child.ask({ type: 'start', number });
    return sharedNow() - startedAt;
  };
  for (let number = 0; number < WARM_UP; number += 1) await hop(number);
  return {
    async sample() {
      for (let number = 0; number < HOPS_PER_SAMPLE; number += 1) times.push(await hop(number));
    },
    p50Ms: () => percentiles(times).p50Ms,
    async close() {
      child.close();
      await database.close();
    },
  };
}

/**
 * The time of 1 → `width` → 1 at the floor: one transaction for each turn of the loop (what has ended and what starts, together), then the messages; as many
 * warm children as cores.
 */
export async function fanOutFloor(
  postgresUrl: string | undefined,
  { width, children }: { width: number; children: number },
): Promise<number> {
  const database = await openFloorDatabase(postgresUrl);
  const echoes = Array.from({ length: children }, startEchoChild);
  await Promise.all(echoes.map((child) => child.ask('warm')));
  const runOne = async (id: number): Promise<void> => {
    await database.commit([id]);
    await echoes[0]?.ask(id);
  };
  const startedAt = sharedNow();
  await runOne(0);
  await runWide(database, echoes, width);
  await runOne(1);
  const time = sharedNow() - startedAt;
  for (const child of echoes) child.close();
  await database.close();
  return time;
}

/** Each turn: commit what has ended since the last turn together with what starts in its place, then send it. */
async function runWide(database: FloorDatabase, echoes: readonly EchoChild[], width: number): Promise<void> {
  const waiting = Array.from({ length: width }, (_, index) => index);
  const free = [...echoes];
  const done = new Set<number>();
  let ended: number[] = [];
  let wake = (): void => {};
  while (done.size < width || ended.length > 0) {
    const starting = waiting.splice(0, free.length);
    if (starting.length === 0 && ended.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const changed = [...ended, ...starting];
    ended = [];
    await database.commit(changed);
    for (const id of starting) {
      const child = free.shift();
      void child?.ask(id).then(() => {
        free.push(child);
        ended.push(id);
        done.add(id);
        wake();
      });
    }
  }
}

/** Opens the same kind of database as an environment's, with the same durability. */
function openFloorDatabase(postgresUrl: string | undefined): Promise<FloorDatabase> {
  return postgresUrl === undefined ? Promise.resolve(openSqliteFloor()) : openPostgresFloor(postgresUrl);
}

function openSqliteFloor(): FloorDatabase {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-floor-'));
  const connection = new DatabaseSync(path.join(folder, 'floor.sqlite'));
  connection.exec('pragma journal_mode = wal; pragma synchronous = full; create table item (id integer primary key, state text)');
  connection
    .prepare('insert into item select value, ? from json_each(?)')
    .run('none', JSON.stringify(Array.from({ length: ROWS }, (_, id) => id)));
  const update = connection.prepare(`update item set state = 'done' || random() where id in (select value from json_each(?))`);
  return {
    commit(ids) {
      update.run(JSON.stringify(ids));
      return Promise.resolve();
    },
    close() {
      connection.close();
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}

async function openPostgresFloor(url: string): Promise<FloorDatabase> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('drop table if exists floor_item; create table floor_item (id integer primary key, state text)');
  await client.query('insert into floor_item select generate_series(0, $1), $2', [ROWS, 'none']);
  return {
    async commit(ids) {
      await client.query({
        name: 'floor',
        text: `update floor_item set state = 'done' || random() where id in (select value::integer from json_array_elements_text($1::json))`,
        values: [JSON.stringify(ids)],
      });
    },
    async close() {
      await client.query('drop table floor_item');
      await client.end();
    },
  };
}

/** Starts a bare child that echoes frames on descriptor 3. */
export function startEchoChild(): EchoChild {
  const child: ChildProcess = spawn(process.execPath, [path.join(import.meta.dirname, 'echo-child.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const pipe = child.stdio[3] as Duplex;
  const answers: ((answer: unknown) => void)[] = [];
  const read = createFrameReader();
  pipe.on('data', (chunk: Buffer) => {
    for (const message of read(chunk)) answers.shift()?.(message);
  });
  return {
    ask: (message) =>
      new Promise((resolve) => {
        answers.push(resolve);
        pipe.write(encodeFrame(message));
      }),
    close() {
      pipe.destroy();
      child.kill('SIGKILL');
    },
  };
}
