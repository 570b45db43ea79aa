import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBroker, type Broker } from '../../bench/broker.ts';
import { makeFolder, type BenchDatabase } from '../../bench/bench-environment.ts';
import { provisionTopology } from '../../packages/core/src/federation/transports/provision-topology.ts';
import { administerPostgres, urlOfDatabase } from '../../packages/core/src/store/testing/administer-postgres.ts';
import { startPostgres, type PostgresServer } from '../../packages/core/src/store/testing/postgres-server.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** Two environments and a broker. The broker is the world and is not killed: it holds what was sent. */
export interface ChaosFleet {
  /** Sends the event with this number to the first environment. */
  send(number: number): Promise<void>;
  /** Kills a process of the fleet and says what it was; undefined where the drawn one had none. */
  kill(random: SeededRandom): 'environments' | 'children' | undefined;
  /** Asks an environment's API; undefined while it does not answer. */
  ask(environment: EnvironmentName, url: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** `orders` receives what the rig sends, and its events start the runs of `reports`. */
export type EnvironmentName = 'orders' | 'reports';

const DAGS: Readonly<Record<EnvironmentName, string>> = {
  orders: `
import { asset, dag } from '@tradewind/sdk';
import { sns, sqs } from '@tradewind/provider-aws';
const incoming = asset('incoming', { watchers: [sqs('chaos-orders')] });
const checked = asset('checked_orders', { publish: sns('chaos-reports') });
export const orders = dag('orders', { schedule: incoming, params: { n: { type: 'integer' } }, taskDefaults: { retries: 50, retryDelay: { milliseconds: 100 } } }, (d) => {
  const read = d.task('read', { run: async (_, { params }) => { await new Promise((resolve) => setTimeout(resolve, params.n % 40)); return params.n; } });
  const doubled = d.task('double', { inputs: { read }, run: ({ read }) => read * 2 });
  const tripled = d.task('triple', { inputs: { read }, run: ({ read }) => read * 3 });
  d.task('publish', { inputs: { read, doubled, tripled }, outlets: [checked], run: ({ read, doubled, tripled }, context) => {
    if (doubled + tripled !== read * 5) throw new Error('values of another run');
    context.emit(checked, { n: read });
  } });
});
`,
  reports: `
import { asset, dag } from '@tradewind/sdk';
import { sqs } from '@tradewind/provider-aws';
const checked = asset('checked_orders', { watchers: [sqs('chaos-reports')] });
export const reports = dag('reports', { schedule: checked, params: { n: { type: 'integer' } }, taskDefaults: { retries: 50, retryDelay: { milliseconds: 100 } } }, (d) => {
  const load = d.task('load', { run: (_, { params }) => params.n });
  d.task('report', { inputs: { load }, run: ({ load }) => load });
});
`,
};

/** Starts everything and waits until both environments have answered once. */
export async function startFleet(database: BenchDatabase): Promise<ChaosFleet> {
  const broker = await startBroker({ topic: 'chaos-orders', queue: 'chaos-orders' });
  await provisionTopology(
    {
      topics: ['chaos-reports'],
      queues: [{ name: 'chaos-reports' }],
      subscriptions: [{ topic: 'chaos-reports', queue: 'chaos-reports', rawMessageDelivery: false }],
    },
    broker.aws,
  );
  const postgresFolder = path.join(tmpdir(), `tradewind-chaos-${process.pid}`);
  const postgres = database === 'postgres' ? await startPostgres({ folder: postgresFolder }) : undefined;
  const environments = {
    orders: new VictimEnvironment('orders', await settingsOf('orders', broker, postgres)),
    reports: new VictimEnvironment('reports', await settingsOf('reports', broker, postgres)),
  };
  return {
    send: (number) => broker.publish({ n: number }),
    kill(random) {
      const environment = random.happens(0.5) ? environments.orders : environments.reports;
      return random.happens(0.4) ? environment.killItself() : environment.killChild(random);
    },
    ask: (name, url) => environments[name].ask(url),
    async stop() {
      await Promise.all([environments.orders.stop(), environments.reports.stop()]);
      await broker.close();
      await postgres?.stop();
      rmSync(postgresFolder, { recursive: true, force: true });
    },
  };
}

async function settingsOf(
  name: EnvironmentName,
  broker: Broker,
  postgres: PostgresServer | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const settings = { environment: { name }, api: { port: 0 }, aws: broker.settings };
  if (postgres === undefined) return settings;
  await administerPostgres(postgres.url, `create database ${name}`);
  return { ...settings, database: { url: urlOfDatabase(postgres.url, name) } };
}

/**
 * An environment whose process may die at any time. States: running → dead (killed) → running again at once (a supervisor restarts it) … → stopped.
 */
class VictimEnvironment {
  readonly #folder: string;
  #process: ChildProcess;
  #isStopping = false;

  constructor(name: EnvironmentName, settings: Readonly<Record<string, unknown>>) {
    this.#folder = makeFolder({ [`${name}.ts`]: DAGS[name] });
    writeFileSync(path.join(this.#folder, 'tradewind.json'), JSON.stringify(settings));
    this.#process = this.#start();
  }

  #start(): ChildProcess {
    const command = path.resolve(import.meta.dirname, '../../packages/core/bin/tradewind.mjs');
    const started = spawn(process.execPath, [command, 'standalone', '--folder', this.#folder], { stdio: ['ignore', 'ignore', 'pipe'] });
    const lastLines: string[] = [];
    started.stderr.on('data', (chunk: Buffer) => {
      lastLines.push(chunk.toString());
      lastLines.splice(0, Math.max(0, lastLines.length - 20));
    });
    started.once('exit', (code) => {
      if (this.#isStopping) return;
      if (code !== null && code !== 0) console.error(`chaos: an environment ended with exit code ${code}:\n${lastLines.join('')}`);
      this.#process = this.#start();
    });
    return started;
  }

  killItself(): 'environments' | undefined {
    return this.#process.kill('SIGKILL') ? 'environments' : undefined;
  }

  killChild(random: SeededRandom): 'children' | undefined {
    const [first, ...others] = childrenOf(this.#process.pid ?? 0);
    if (first === undefined) return undefined;
    try {
      process.kill(random.pick([first, ...others]), 'SIGKILL');
      return 'children';
    } catch {
      return undefined;
    }
  }

  async ask(url: string): Promise<unknown> {
    try {
      const { address, token } = JSON.parse(readFileSync(path.join(this.#folder, '.tradewind/environment.json'), 'utf8')) as Record<
        string,
        string
      >;
      const response = await fetch(`${address}${url}`, { headers: { authorization: `Bearer ${token}` } });
      return response.ok ? await response.json() : undefined;
    } catch {
      return undefined;
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const fields = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ');
        return Number(fields[1]) === parent;
      } catch {
        return false;
      }
    });
}
