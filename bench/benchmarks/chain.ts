import { startBenchEnvironment, type BenchDatabase, type BenchEnvironment } from '../bench-environment.ts';
import { percentiles, round, type Figures } from '../figures.ts';
import { openHopFloor } from '../floor.ts';

const TASKS = 100;
const RUNS = 8;
const WARM_UP_RUNS = 2;

/** A dag file with the chain. */
export const CHAIN_DAG = chainDag('{}');

/** The same with options for the dag, as source text. */
export function chainDag(options: string): string {
  return `
import { dag } from '@tradewind/sdk';
const now = () => Number(process.hrtime.bigint()) / 1e6;
export const chain = dag('chain', ${options}, (d) => {
  let previous;
  for (let index = 0; index < ${TASKS}; index += 1) {
    previous = d.task('task_' + String(index).padStart(3, '0'), { after: previous ? [previous] : [], run: () => { const start = now(); return { start, end: now() }; } });
  }
});
`;
}

interface Stamp {
  readonly start: number;
  readonly end: number;
}

/** A chain of 100 tasks that do nothing: from the end of one function to the entry of the next, everything recorded in between. */
export async function chain(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(database, { 'chain.ts': CHAIN_DAG });
  try {
    const floor = await openHopFloor(environment.postgresUrl);
    const hops = await measureHops(environment, () => floor.sample());
    await floor.close();
    const floorP50Ms = floor.p50Ms();
    const figures = percentiles(hops);
    return { ...figures, floorP50Ms, ratio: round(figures.p50Ms / floorP50Ms), hops: hops.length };
  } finally {
    await environment.stop();
  }
}

/** The hops of some runs of the chain, in milliseconds; `between` is called before each run. */
export async function measureHops(
  environment: BenchEnvironment,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<number[]> {
  const hops: number[] = [];
  for (let run = 0; run < RUNS + WARM_UP_RUNS; run += 1) {
    await between();
    const runId = await environment.run('chain');
    if (run >= WARM_UP_RUNS) hops.push(...(await readHops(environment, runId)));
  }
  return hops;
}

/** The hops of one run of the chain. */
export async function readHops(environment: BenchEnvironment, runId: string): Promise<number[]> {
  return hopsOf((await environment.values('chain', runId)) as readonly { taskId: string; value: Stamp }[]);
}

function hopsOf(values: readonly { readonly taskId: string; readonly value: Stamp }[]): number[] {
  const stamps = values.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1)).map(({ value }) => value);
  return stamps.slice(1).map(({ start }, index) => start - (stamps[index]?.end ?? Number.NaN));
}
