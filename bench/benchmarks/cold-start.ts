import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { startEchoChild } from '../floor.ts';

const STARTS = 5;
const SETTLE_MS = 3_000;
const IDLE_MS = 10_000;
const CLOCK_TICKS_PER_SECOND = 100;

const DAG = `
import { dag } from '@tradewind/sdk';
export const hello = dag('hello', {}, (d) => { d.task('greet', { run: () => 'hello' }); });
`;

/**
 * From the command to a healthy environment, in an empty folder and in one with a database; then what it costs to do nothing: memory of all its processes
 * (proportional set size) and processor time. The floor is the start of a bare Node child that answers one message.
 */
export async function coldStart(database: BenchDatabase): Promise<Figures> {
  if (database === 'postgres') throw new Error('cold-start measures an embedded environment; PostgreSQL has a start of its own');
  const empty: number[] = [];
  const existing: number[] = [];
  const floors: number[] = [];
  let idle = { idleMiB: 0, idleCpuPercent: 0 };
  for (let start = 0; start < STARTS; start += 1) {
    const folder = makeFolder({ 'hello.ts': DAG });
    writeFileSync(path.join(folder, 'tradewind.json'), JSON.stringify({ api: { port: 0 } }));
    floors.push(await childStart());
    empty.push(await timeStart(folder));
    existing.push(
      await timeStart(
        folder,
        start === STARTS - 1
          ? async (child) => {
              idle = await measureIdle(child);
            }
          : undefined,
      ),
    );
    rmSync(folder, { recursive: true });
  }
  const figures = percentiles(existing);
  const floorP50Ms = percentiles(floors).p50Ms;
  return {
    ...figures,
    floorP50Ms,
    ratio: round(figures.p50Ms / floorP50Ms),
    emptyMs: percentiles(empty).p50Ms,
    existingMs: figures.p50Ms,
    ...idle,
  };
}

async function timeStart(folder: string, whileRunning?: (child: ChildProcess) => Promise<void>): Promise<number> {
  const startedAt = sharedNow();
  const command = path.resolve(import.meta.dirname, '../../packages/core/bin/tradewind.mjs');
  const child = spawn(process.execPath, [command, 'standalone', '--folder', folder], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    await untilHealthy(folder, child);
    const time = sharedNow() - startedAt;
    await whileRunning?.(child);
    return time;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function untilHealthy(folder: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const address = readAddress(folder);
    if (address !== undefined && (await isHealthy(address))) return;
    await sleep(2);
  }
  throw new Error(`the environment ended with exit code ${child.exitCode} before it was healthy`);
}

function readAddress(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path.join(folder, '.tradewind/environment.json'), 'utf8')) as { address: string }).address;
  } catch {
    return undefined;
  }
}

async function isHealthy(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/api/v2/monitor/health`);
    const health = (await response.json()) as { metadatabase: { status: string }; scheduler: { status: string } };
    return response.ok && health.metadatabase.status === 'healthy' && health.scheduler.status === 'healthy';
  } catch {
    return false;
  }
}

async function measureIdle(child: ChildProcess): Promise<{ idleMiB: number; idleCpuPercent: number }> {
  await sleep(SETTLE_MS);
  const before = processTree(child.pid ?? 0).reduce((sum, pid) => sum + processorTicks(pid), 0);
  await sleep(IDLE_MS);
  const tree = processTree(child.pid ?? 0);
  const ticks = tree.reduce((sum, pid) => sum + processorTicks(pid), 0) - before;
  const kibibytes = tree.reduce((sum, pid) => sum + proportionalSetSize(pid), 0);
  return { idleMiB: round(kibibytes / 1_024), idleCpuPercent: round((ticks / CLOCK_TICKS_PER_SECOND / (IDLE_MS / 1_000)) * 100) };
}

/** A process and all its descendants. */
function processTree(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) }));
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return tree;
}

function parentOf(pid: number): number {
  return Number(statFields(pid)[1] ?? 0);
}

function processorTicks(pid: number): number {
  const fields = statFields(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** The fields of /proc/PID/stat after the name of the program, which may hold anything. */
function statFields(pid: number): string[] {
  try {
    return (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ');
  } catch {
    return [];
  }
}

function proportionalSetSize(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function childStart(): Promise<number> {
  const startedAt = sharedNow();
  const child = startEchoChild();
  await child.ask('ready');
  const time = sharedNow() - startedAt;
  child.close();
  return time;
}
