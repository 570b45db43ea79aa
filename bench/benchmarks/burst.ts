import { startBroker, type Broker } from '../broker.ts';
import { startBenchEnvironment, type BenchDatabase, type BenchEnvironment } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { openHopFloor } from '../floor.ts';

const MESSAGES = 200;
const WHILE_DOWN = 60;

const dagFile = (dagId: string, maxActiveRuns: number): string => `
import { asset, dag } from '@tradewind/sdk';
import { sqs } from '@tradewind/provider-aws';
const orders = asset('orders', { watchers: [sqs('bench-orders')] });
export const onOrder = dag('${dagId}', { schedule: orders, maxActiveRuns: ${maxActiveRuns}, params: { n: { type: 'integer' } } }, (d) => {
  d.task('only', { run: (_, { params }) => ({ n: params.n, at: Number(process.hrtime.bigint()) / 1e6 }) });
});
`;

/**
 * 200 messages at once become 200 runs: with 16 runs at a time, and one after the other in the order in which the messages were taken; and 60 messages that come while the environment is
 * down become 60 runs when it is back.
 */
export async function burst(database: BenchDatabase): Promise<Figures> {
  const wide = await measure(database, 16);
  const narrow = await measure(database, 1);
  return {
    ...wide.figures,
    runs: wide.runs,
    seconds: wide.seconds,
    runsOneAtATime: narrow.runs,
    secondsOneAtATime: narrow.seconds,
    inOrder: String(narrow.inOrder),
    sentWhileDown: WHILE_DOWN,
    runsAfterDown: narrow.runsAfterDown,
  };
}

interface Measured {
  readonly figures: Figures;
  readonly runs: number;
  readonly seconds: number;
  readonly inOrder: boolean;
  readonly runsAfterDown: number;
}

async function measure(database: BenchDatabase, maxActiveRuns: number): Promise<Measured> {
  const broker = await startBroker({ topic: 'bench-orders', queue: 'bench-orders' });
  try {
    const environment = await startBenchEnvironment(
      database,
      { 'on-order.ts': dagFile('on_order', maxActiveRuns) },
      { aws: broker.settings },
    );
    try {
      await warmUp(environment, broker);
      const startedAt = sharedNow();
      const ended = environment.runsEnded(MESSAGES);
      await Promise.all(Array.from({ length: MESSAGES }, (_, n) => broker.publish({ n })));
      await ended;
      const seconds = round((sharedNow() - startedAt) / 1_000);
      const floor = await openHopFloor(environment.postgresUrl);
      await floor.sample();
      await floor.close();
      const floorP50Ms = floor.p50Ms();
      const perRun = percentiles([(seconds * 1_000) / MESSAGES]);
      const { total, inOrder } = await countRuns(environment);
      const runsAfterDown = await sendWhileDown(environment, broker, total);
      return {
        figures: { ...perRun, floorP50Ms, ratio: round(perRun.p50Ms / floorP50Ms) },
        runs: total - 1,
        seconds,
        inOrder,
        runsAfterDown,
      };
    } finally {
      await environment.stop();
    }
  } finally {
    await broker.close();
  }
}

async function warmUp(environment: BenchEnvironment, broker: Broker): Promise<void> {
  const ended = environment.runsEnded(1);
  await broker.publish({ n: 0 });
  await ended;
}

async function sendWhileDown(environment: BenchEnvironment, broker: Broker, before: number): Promise<number> {
  const ended = environment.runsEnded(WHILE_DOWN);
  const restarted = environment.restart();
  await Promise.all(Array.from({ length: WHILE_DOWN }, (_, n) => broker.publish({ n })));
  await restarted;
  await ended;
  return (await countRuns(environment)).total - before;
}

interface RunRow {
  readonly dag_run_id: string;
  readonly start_date: string;
  readonly queued_at: string;
}

/** How many runs there are, and whether they started in the order in which they were asked for. */
async function countRuns(environment: BenchEnvironment): Promise<{ total: number; inOrder: boolean }> {
  const runs: RunRow[] = [];
  for (let offset = 0; ; offset += 100) {
    const page = (await environment.request('GET', `/api/v2/dags/on_order/dagRuns?limit=100&offset=${offset}&order_by=run_after`)) as {
      dag_runs: RunRow[];
      total_entries: number;
    };
    runs.push(...page.dag_runs);
    if (runs.length >= page.total_entries || page.dag_runs.length === 0) break;
  }
  const starts = runs.map(({ start_date: at }) => Date.parse(at));
  return { total: runs.length, inOrder: starts.every((at, index) => index === 0 || at >= (starts[index - 1] ?? 0)) };
}
