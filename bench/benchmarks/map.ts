import { availableParallelism } from 'node:os';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { fanOutFloor } from '../floor.ts';

/** How many task instances the mapped task has. */
const MAP_LENGTH = 10_000;
const RUNS = 2;

/** Settings that let the mapped task be that long. */
export const MAP_SETTINGS = { scheduler: { maxMapLength: MAP_LENGTH } } as const;

/** A dag file with 1 → 10,000 → 1. */
export const MAP_DAG = `
import { dag } from '@tradewind/sdk';
export const map = dag('map', { maxActiveTasks: ${MAP_LENGTH} }, (d) => {
  const list = d.task('list', { run: () => Array.from({ length: ${MAP_LENGTH} }, (_, index) => index) });
  const each = d.mappedTask('each', { expand: { index: list }, run: ({ index }) => index });
  d.task('join', { inputs: { each }, run: ({ each }) => each.length });
});
`;

/** A task mapped over 10,000 elements, and one that reads all their values: from asking for the run to its recorded end. */
export async function map(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(database, { 'map.ts': MAP_DAG }, MAP_SETTINGS);
  try {
    const times: number[] = [];
    const floors: number[] = [];
    environment.takeTicks();
    for (let run = 0; run < RUNS; run += 1) {
      floors.push(await fanOutFloor(environment.postgresUrl, { width: MAP_LENGTH, children: availableParallelism() }));
      const startedAt = sharedNow();
      await environment.run('map');
      times.push(sharedNow() - startedAt);
    }
    const ticks = percentiles(environment.takeTicks());
    const figures = percentiles(times);
    const floorP50Ms = percentiles(floors).p50Ms;
    return {
      ...figures,
      floorP50Ms,
      ratio: round(figures.p50Ms / floorP50Ms),
      tasksPerSecond: Math.round(((MAP_LENGTH + 2) * 1_000) / figures.p50Ms),
      tickP50Ms: ticks.p50Ms,
      tickP99Ms: ticks.p99Ms,
    };
  } finally {
    await environment.stop();
  }
}
