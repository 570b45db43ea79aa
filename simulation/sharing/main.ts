/**
 * `npm run -s share -- [--runs N] [--kill]`
 *
 * Two environments on one PostgreSQL share the runs of one dag. What every task did stands in a file that the tasks themselves write; what the schedulers believed is sampled from the tables all the
 * time. Ends with `twice N, missing N, above pool N, above limit N`; with `--kill` one environment is killed in the middle, and the time until the other has its runs is printed. Exit code 1
 * where one of the figures is not 0.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startPostgres } from '../../packages/core/src/store/testing/postgres-server.ts';
import { readProofOptions } from '../../scripts/proof-options.ts';
import { countEntries, highestTogether, readEntries } from './journal.ts';
import { sharingDag, LIMIT, MAPPED, POOL, POOL_SLOTS } from './sharing-dag.ts';
import { SharingEnvironment } from './sharing-environment.ts';

const SAMPLE_EVERY_MS = 20;
const PATIENCE_MS = 300_000;
const TASKS_PER_RUN = 2 + MAPPED;

const { values, wholeNumber } = readProofOptions('share -- [--runs N] [--kill]', { runs: { type: 'string' }, kill: { type: 'boolean' } });
const runs = wholeNumber('runs', 500, 1);
const kills = values.kill === true;

const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-share-'));
const postgresFolder = `${folder}-postgres`;
const journal = path.join(folder, 'journal');
const postgres = await startPostgres({ folder: postgresFolder });
const files = { 'share.ts': sharingDag(journal) };
const secretKey = randomBytes(32).toString('base64');
const environments: SharingEnvironment[] = [];
const client = new Client({ connectionString: postgres.url });
try {
  for (const name of ['first', 'second']) {
    const environment = new SharingEnvironment({ name, files, postgresUrl: postgres.url, secretKey });
    environments.push(environment);
    await environment.untilReady('share');
  }
  await client.connect();
  process.exitCode = await share();
} finally {
  await client.end();
  await Promise.all(environments.map((environment) => environment.stop()));
  await postgres.stop();
  for (const gone of [folder, postgresFolder]) rmSync(gone, { recursive: true, force: true });
}

/** Starts the runs, watches until they have ended, and judges. */
async function share(): Promise<number> {
  const [first, second] = environments;
  if (first === undefined || second === undefined) throw new Error('there are not two environments');
  await first.request('POST', '/api/v2/pools', { name: POOL, slots: POOL_SLOTS });
  for (let run = 0; run < runs; run += 1) {
    await (run % 2 === 0 ? first : second).request('POST', '/api/v2/dags/share/dagRuns', { dag_run_id: `run-${run}`, logical_date: null });
  }
  const seen = await watch(first);
  const entries = readEntries(journal);
  const counts = countEntries(entries);
  const twice = kills ? 0 : [...counts.values()].filter((count) => count > 1).length;
  const missing = runs * TASKS_PER_RUN - counts.size;
  const inPool = values.kill
    ? seen.inPool
    : Math.max(
        seen.inPool,
        highestTogether(entries, (task) => task === 'each'),
      );
  const inLimit = values.kill
    ? seen.inLimit
    : Math.max(
        seen.inLimit,
        highestTogether(entries, (task) => task === 'last'),
      );
  console.log(
    `runs ${runs} ended ${seen.ended} held by ${[...seen.held].map(([term, count]) => `${term}: ${count}`).join(', ')} (samples)`,
  );
  console.log(`pool of ${POOL_SLOTS}: at most ${inPool} together; limit of ${LIMIT}: at most ${inLimit} together`);
  if (seen.takenOverMs !== undefined) console.log(`killed one; the other had its runs after ${(seen.takenOverMs / 1_000).toFixed(1)} s`);
  const abovePool = Math.max(0, inPool - POOL_SLOTS);
  const aboveLimit = Math.max(0, inLimit - LIMIT);
  console.log(`twice ${twice}, missing ${missing}, above pool ${abovePool}, above limit ${aboveLimit}`);
  return twice + missing + abovePool + aboveLimit + (runs - seen.ended) === 0 ? 0 : 1;
}

interface Watched {
  ended: number;
  inPool: number;
  inLimit: number;
  readonly held: Map<number, number>;
  takenOverMs: number | undefined;
}

/** Samples the tables until all runs have ended, and kills the first environment in the middle where that is asked for. */
async function watch(first: SharingEnvironment): Promise<Watched> {
  const seen: Watched = { ended: 0, inPool: 0, inLimit: 0, held: new Map(), takenOverMs: undefined };
  const victims = new Set<number>();
  let killedAt: number | undefined;
  const until = Date.now() + PATIENCE_MS;
  while (seen.ended < runs && Date.now() < until) {
    const sample = await readSample();
    seen.ended = sample.ended;
    seen.inPool = Math.max(seen.inPool, sample.inPool);
    seen.inLimit = Math.max(seen.inLimit, sample.inLimit);
    for (const { term, runs: count } of sample.held) seen.held.set(term, (seen.held.get(term) ?? 0) + count);
    if (kills && killedAt === undefined && sample.ended > runs / 3) {
      const terms = await termsOf(first.pid);
      for (const term of terms) victims.add(term);
      first.kill();
      killedAt = Date.now();
    } else if (killedAt !== undefined && seen.takenOverMs === undefined && sample.held.every(({ term }) => !victims.has(term))) {
      seen.takenOverMs = Date.now() - killedAt;
    }
    await sleep(SAMPLE_EVERY_MS);
  }
  return seen;
}

interface Sample {
  readonly ended: number;
  readonly inPool: number;
  readonly inLimit: number;
  readonly held: readonly { readonly term: number; readonly runs: number }[];
}

async function readSample(): Promise<Sample> {
  const { rows } = await client.query<Sample>(`
    select
      (select count(*)::int from dag_run where state in ('success', 'failed')) as ended,
      (select coalesce(sum(pool_slots), 0)::int from task_instance where pool = '${POOL}' and state in ('queued', 'running')) as "inPool",
      (select count(*)::int from task_instance where task_id = 'last' and state in ('queued', 'running')) as "inLimit",
      (select coalesce(json_agg(json_build_object('term', scheduler_term, 'runs', runs)), '[]')
        from (select scheduler_term, count(*) as runs from dag_run where state = 'running' group by scheduler_term) as held) as held`);
  const [sample] = rows;
  if (sample === undefined) throw new Error('the sample is empty');
  return sample;
}

async function termsOf(pid: number): Promise<number[]> {
  const { rows } = await client.query<{ id: string }>(`select id from job where kind = 'scheduler' and ended_at is null and pid = $1`, [
    pid,
  ]);
  return rows.map(({ id }) => Number(id));
}
