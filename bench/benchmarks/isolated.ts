import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { startEchoChild } from '../floor.ts';

const TASKS = 20;
const RUNS = 4;

const DAG = `
import { dag } from '@tradewind/sdk';
export const isolated = dag('isolated', {}, (d) => {
  let previous;
  for (let index = 0; index < ${TASKS}; index += 1) {
    previous = d.task('task_' + String(index).padStart(2, '0'), { isolation: 'process', after: previous ? [previous] : [], run: () => index });
  }
});
`;

/** A chain of tasks that each get a process of their own: the time of one, beside a bare Node child that answers one message and ends. */
export async function isolated(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(database, { 'isolated.ts': DAG });
  try {
    const times: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run < RUNS + 1; run += 1) {
      for (let child = 0; child < 5; child += 1) floors.push(await forkOnce());
      const startedAt = sharedNow();
      await environment.run('isolated');
      if (run > 0) times.push((sharedNow() - startedAt) / TASKS);
    }
    const figures = percentiles(times);
    const floorP50Ms = percentiles(floors).p50Ms;
    return { ...figures, floorP50Ms, ratio: round(figures.p50Ms / floorP50Ms) };
  } finally {
    await environment.stop();
  }
}

async function forkOnce(): Promise<number> {
  const startedAt = sharedNow();
  const child = startEchoChild();
  await child.ask('hello');
  const time = sharedNow() - startedAt;
  child.close();
  return time;
}
