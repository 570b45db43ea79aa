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
import { DAG_FILES } from './load.ts';

/** Two environments and a broker. The broker is the world and is not killed: it holds what was sent. */
export interface ChaosFleet {
  /** Sends the event with this number to the first environment. */
  send(number: number): Promise<void>;
  /** Kills a process of this kind; false where the environment that was drawn has none at the moment. */
  kill(victim: Victim, random: SeededRandom): boolean;
  /** Ends the PostgreSQL server, by a fast shutdown or with SIGKILL, and starts it again on the same files. Says which. */
  restartDatabase(random: SeededRandom): Promise<'stopped' | 'killed'>;
  /** Asks an environment's API, with a body by POST; undefined while it does not answer, and where it refuses. */
  ask(environment: EnvironmentName, url: string, body?: object): Promise<unknown>;
  /** How many messages were delivered too often and lie in dead-letter queues. */
  deadLetters(): Promise<number>;
  /** The last lines that each environment wrote to its log, for whoever wants to know why something is stuck. */
  lastLines(): string;
  stop(): Promise<void>;
}

/** What is killed: environments as a whole, or processes that run author code for them. */
export type Victim = 'environments' | 'children';

/** The environments, each a process on a folder of its own. */
export type EnvironmentName = 'orders' | 'reports';

const LAST_LINES = 20;

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
    kill(victim, random) {
      const environment = random.happens(0.5) ? environments.orders : environments.reports;
      return victim === 'environments' ? environment.killItself() : environment.killChild(random);
    },
    async restartDatabase(random) {
      if (postgres === undefined) throw new Error('there is no database server to restart: give --database postgres');
      const isKilled = random.happens(0.5);
      if (isKilled) process.kill(postgres.pid, 'SIGKILL');
      await postgres.restart();
      return isKilled ? 'killed' : 'stopped';
    },
    ask: (name, url, body) => environments[name].ask(url, body),
    deadLetters: () => broker.deadLetters(['chaos-orders', 'chaos-reports']),
    lastLines: () =>
      Object.entries(environments)
        .map(([name, { lastLines }]) => `${name}:\n${lastLines.join('')}`)
        .join('\n'),
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
  readonly lastLines: string[] = [];

  constructor(name: EnvironmentName, settings: Readonly<Record<string, unknown>>) {
    this.#folder = makeFolder({ [`${name}.ts`]: DAG_FILES[name] });
    writeFileSync(path.join(this.#folder, 'tradewind.json'), JSON.stringify(settings));
    this.#process = this.#start();
  }

  #start(): ChildProcess {
    const command = path.resolve(import.meta.dirname, '../../packages/core/bin/tradewind.mjs');
    const started = spawn(process.execPath, [command, 'standalone', '--folder', this.#folder], { stdio: ['ignore', 'ignore', 'pipe'] });
    const { lastLines } = this;
    started.stderr.on('data', (chunk: Buffer) => {
      lastLines.push(chunk.toString());
      lastLines.splice(0, Math.max(0, lastLines.length - LAST_LINES));
    });
    started.once('exit', (code) => {
      if (this.#isStopping) return;
      if (code !== null && code !== 0) console.error(`chaos: an environment ended with exit code ${code}:\n${lastLines.join('')}`);
      this.#process = this.#start();
    });
    return started;
  }

  killItself(): boolean {
    return this.#process.kill('SIGKILL');
  }

  killChild(random: SeededRandom): boolean {
    const [first, ...others] = childrenOf(this.#process.pid ?? 0);
    if (first === undefined) return false;
    try {
      return process.kill(random.pick([first, ...others]), 'SIGKILL');
    } catch {
      return false;
    }
  }

  async ask(url: string, body?: object): Promise<unknown> {
    try {
      const { address, token } = JSON.parse(readFileSync(path.join(this.#folder, '.tradewind/environment.json'), 'utf8')) as Record<
        string,
        string
      >;
      const response = await fetch(`${address}${url}`, {
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
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
