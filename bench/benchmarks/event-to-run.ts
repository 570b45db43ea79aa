import { startBroker } from '../broker.ts';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { openHopFloor } from '../floor.ts';

const MESSAGES = 60;
const WARM_UP = 10;

const DAG = `
import { asset, dag } from '@tradewind/sdk';
import { sqs } from '@tradewind/provider-aws';
const orders = asset('orders', { watchers: [sqs('bench-orders')] });
export const onOrder = dag('on_order', { schedule: orders, params: { sentAt: { type: 'number' } } }, (d) => {
  d.task('first', { run: (_, { params }) => ({ sentAt: params.sentAt, enteredAt: Number(process.hrtime.bigint()) / 1e6 }) });
});
`;

/** One message at a time, published to a topic: from the call that publishes it to the entry of the first task's function. */
export async function eventToRun(database: BenchDatabase): Promise<Figures> {
  const broker = await startBroker({ topic: 'bench-orders', queue: 'bench-orders' });
  try {
    const environment = await startBenchEnvironment(database, { 'on-order.ts': DAG }, { aws: broker.settings });
    try {
      const floor = await openHopFloor(environment.postgresUrl);
      const times: number[] = [];
      for (let message = 0; message < MESSAGES + WARM_UP; message += 1) {
        if (message % 20 === 0) await floor.sample();
        const ended = environment.runsEnded(1);
        await broker.publish({ sentAt: sharedNow() });
        const [run] = await ended;
        const [first] = (await environment.values('on_order', run?.runId ?? '')) as readonly {
          value: { sentAt: number; enteredAt: number };
        }[];
        if (message >= WARM_UP && first !== undefined) times.push(first.value.enteredAt - first.value.sentAt);
      }
      const figures = percentiles(times);
      await floor.close();
      const floorP50Ms = floor.p50Ms();
      return { ...figures, floorP50Ms, ratio: round(figures.p50Ms / floorP50Ms), messages: times.length };
    } finally {
      await environment.stop();
    }
  } finally {
    await broker.close();
  }
}
