import { availableParallelism } from 'node:os';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { fanOutFloor } from '../floor.ts';

const DAGS = 1_000;
const FILES = 10;
const TASKS = 10;
const ROUNDS = 6;

const dagFile = (file: number): string => `
import { asset, dag } from '@tradewind/sdk';
const go = asset('go');
export const dags = Array.from({ length: ${DAGS / FILES} }, (_, place) =>
  dag('dag_${file}_' + place, { schedule: go, maxActiveRuns: 100 }, (d) => {
    let previous;
    for (let task = 0; task < ${TASKS}; task += 1) {
      previous = d.task('task_' + task, { after: previous && task % 3 !== 0 ? [previous] : [], run: () => task });
    }
  }),
);
`;

/** One event starts a run of each of 1,000 dags of ten tasks: from the event to the recorded end of the last run. */
export async function manyDags(database: BenchDatabase): Promise<Figures> {
  const files = Object.fromEntries(Array.from({ length: FILES }, (_, file) => [`many-${file}.ts`, dagFile(file)]));
  const environment = await startBenchEnvironment(database, files);
  try {
    const { assets } = (await environment.request('GET', '/api/v2/assets?name_pattern=go')) as { assets: readonly { id: number }[] };
    const times: number[] = [];
    const floors: number[] = [];
    for (let round_ = 0; round_ < ROUNDS; round_ += 1) {
      const ended = environment.runsEnded(DAGS);
      const startedAt = sharedNow();
      await environment.request('POST', '/api/v2/assets/events', { asset_id: assets[0]?.id, extra: {} });
      await ended;
      if (round_ > 0) times.push(sharedNow() - startedAt);
      if (round_ > 0) floors.push(await fanOutFloor(environment.postgresUrl, { width: DAGS * TASKS, children: availableParallelism() }));
    }
    const figures = percentiles(times);
    const floorP50Ms = percentiles(floors).p50Ms;
    return {
      ...figures,
      floorP50Ms,
      ratio: round(figures.p50Ms / floorP50Ms),
      tasksPerSecond: Math.round((DAGS * TASKS * 1_000) / figures.p50Ms),
    };
  } finally {
    await environment.stop();
  }
}
