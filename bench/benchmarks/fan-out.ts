import { availableParallelism } from 'node:os';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { fanOutFloor } from '../floor.ts';

const WIDTH = 1_000;
const RUNS = 5;
const WARM_UP_RUNS = 2;

const DAG = `
import { dag } from '@tradewind/sdk';
export const fanOut = dag('fan_out', { maxActiveTasks: ${WIDTH} }, (d) => {
  const first = d.task('first', { run: () => 1 });
  const wide = Array.from({ length: ${WIDTH} }, (_, index) => d.task('wide_' + index, { after: [first], run: () => index }));
  d.task('last', { after: wide, run: () => 1 });
});
`;

/** 1 → 1,000 → 1 tasks that do nothing: from asking for the run to its recorded end. */
export async function fanOut(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(database, { 'fan-out.ts': DAG });
  try {
    const times: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run < RUNS + WARM_UP_RUNS; run += 1) {
      const startedAt = sharedNow();
      await environment.run('fan_out');
      if (run < WARM_UP_RUNS) continue;
      times.push(sharedNow() - startedAt);
      floors.push(await fanOutFloor(environment.postgresUrl, { width: WIDTH, children: availableParallelism() }));
    }
    const figures = percentiles(times);
    const floorP50Ms = percentiles(floors).p50Ms;
    return {
      ...figures,
      floorP50Ms,
      ratio: round(figures.p50Ms / floorP50Ms),
      tasksPerSecond: Math.round(((WIDTH + 2) * 1_000) / figures.p50Ms),
    };
  } finally {
    await environment.stop();
  }
}
