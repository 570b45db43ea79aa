import { setTimeout as sleep } from 'node:timers/promises';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, type Figures } from '../figures.ts';
import { CHAIN_DAG, measureHops } from './chain.ts';

const DAGS = 10_000;
const FILES = 100;
const IDLE_MS = 10_000;

const dagFile = (file: number): string => `
import { dag } from '@tradewind/sdk';
export const dags = Array.from({ length: ${DAGS / FILES} }, (_, place) =>
  dag('registered_${file}_' + place, { schedule: '@yearly' }, (d) => {
    const rows = d.task('extract', { run: () => 1 });
    d.task('load', { inputs: { rows }, run: ({ rows }) => rows });
  }),
);
`;

/** The chain beside 10,000 other dags, and beside none: the ratio says what registered dags cost one that runs. Then the processor time of doing nothing. */
export async function registered(database: BenchDatabase): Promise<Figures> {
  const alone = await hopsBeside(database, {});
  const files = Object.fromEntries(Array.from({ length: FILES }, (_, file) => [`registered-${file}.ts`, dagFile(file)]));
  const beside = await hopsBeside(database, files, measureIdle);
  const figures = percentiles(beside.hops);
  const floorP50Ms = percentiles(alone.hops).p50Ms;
  return {
    ...figures,
    floorP50Ms,
    ratio: round(figures.p50Ms / floorP50Ms),
    ...(beside.idle === undefined ? {} : { idleCpuPercent: beside.idle }),
  };
}

interface Measured {
  readonly hops: readonly number[];
  readonly idle: number | undefined;
}

async function hopsBeside(
  database: BenchDatabase,
  files: Readonly<Record<string, string>>,
  afterwards?: () => Promise<number>,
): Promise<Measured> {
  const environment = await startBenchEnvironment(database, { 'chain.ts': CHAIN_DAG, ...files });
  try {
    return { hops: await measureHops(environment), idle: await afterwards?.() };
  } finally {
    await environment.stop();
  }
}

/** Processor time of this process, which the environment runs in, in percent of one core. */
async function measureIdle(): Promise<number> {
  await sleep(2_000);
  const before = process.cpuUsage();
  await sleep(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  return round(((user + system) / 1_000 / IDLE_MS) * 100);
}
