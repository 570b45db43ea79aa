import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, type Figures } from '../figures.ts';
import { openHopFloor } from '../floor.ts';
import { chainDag, readHops } from './chain.ts';
import { MAP_DAG, MAP_SETTINGS } from './map.ts';

/** By default a task weighs what follows it, and the last of the chain, which nothing follows, would rightly wait for what weighs more. */
const EQUAL = `{ taskDefaults: { weightRule: 'absolute' } }`;

/** The hops of a chain while another dag has 10,000 task instances ready: what a narrow run pays for a wide one beside it. */
export async function tail(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(
    database,
    { 'chain.ts': chainDag(EQUAL), 'map.ts': MAP_DAG.replace('{ maxActiveTasks', `{ ...${EQUAL}, maxActiveTasks`) },
    MAP_SETTINGS,
  );
  try {
    await environment.run('chain');
    const floor = await openHopFloor(environment.postgresUrl);
    await floor.sample();
    await floor.close();
    const state = { isWideOver: false };
    const wide = environment.run('map').finally(() => {
      state.isWideOver = true;
    });
    const hops: number[] = [];
    let chains = 0;
    while (!state.isWideOver) {
      const runId = await environment.run('chain');
      if (state.isWideOver && chains > 0) break;
      hops.push(...(await readHops(environment, runId)));
      chains += 1;
    }
    await wide;
    const figures = percentiles(hops);
    const floorP50Ms = floor.p50Ms();
    return { ...figures, floorP50Ms, ratio: round(figures.p50Ms / floorP50Ms), hops: hops.length };
  } finally {
    await environment.stop();
  }
}
