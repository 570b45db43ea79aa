/**
 * A fleet on one machine: a broker in this process, each environment in a process of its own, and everything that happens shown in one place.
 */
import { startEmbeddedBroker, type EmbeddedBroker } from '../../federation/embedded-broker.ts';
import type { AwsOptions } from '../../federation/transports/aws-options.ts';
import { provisionTopology } from '../../federation/transports/provision-topology.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { passwordFile } from '../output/environment-address.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { connectToRunning } from '../session/running-session.ts';
import { startEnvironmentProcess, type EnvironmentProcess } from './environment-process.ts';
import { findFreePort } from './find-free-port.ts';
import type { Fleet } from './fleet-file.ts';
import { createActivityShow, type ActivityShow, type FleetObserver } from './activity-show.ts';
import type { FleetPrinter } from './fleet-step.ts';
import { planTopology } from './plan-topology.ts';
import { readTraffic, type Traffic } from './read-traffic.ts';

/** A fleet that runs. */
export interface RunningFleet {
  /** Each environment's API, by its name. */
  readonly sessions: ReadonlyMap<string, EnvironmentSession>;
  /** What each environment's dags publish and watch, by its name. */
  readonly traffic: ReadonlyMap<string, Traffic>;
  /** Waits a moment for events that are on their way, then ends everything. Idempotent. */
  stop(): Promise<void>;
}

const FIRST_PORT = 8080;

/**
 * Starts a fleet. What the broker held when the last life of the fleet ended is gone with it.
 * @throws TradewindError the first reason for which an environment does not come up; nothing runs then
 */
export async function startFleet(fleet: Fleet, observer: FleetObserver): Promise<RunningFleet> {
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).toReversed()) await close();
  };
  try {
    return await compose(fleet, observer, { opened, closeAll });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

interface Opened {
  readonly opened: (() => Promise<void>)[];
  readonly closeAll: () => Promise<void>;
}

async function compose(fleet: Fleet, observer: FleetObserver, { opened, closeAll }: Opened): Promise<RunningFleet> {
  const [broker, traffic] = await Promise.all([openBroker(opened), Promise.all(fleet.environments.map(readTraffic))]);
  await provision(fleet, { broker, traffic, printer: observer.printer });
  const sessions = new Map<string, EnvironmentSession>();
  const show = createActivityShow(sessions, observer);
  const start = createStarter({ aws: broker.aws, sessions, show, observer });
  const processes = fleet.environments.map(start);
  opened.push(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    await show.settled();
  });
  await Promise.all(processes.map(({ started }) => started));
  await show.settled();
  const stop = async (): Promise<void> => {
    await show.quiet();
    await closeAll();
  };
  let stopping: Promise<void> | undefined;
  return {
    sessions,
    traffic: new Map(traffic.map((each) => [each.environment, each])),
    stop: () => (stopping ??= stop()),
  };
}

async function openBroker(opened: Opened['opened']): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker();
  opened.push(() => broker.close());
  return broker;
}

async function provision(
  fleet: Fleet,
  { broker, traffic, printer }: { readonly broker: EmbeddedBroker; readonly traffic: readonly Traffic[]; readonly printer: FleetPrinter },
): Promise<void> {
  const { topology, unfilled } = planTopology(traffic, fleet);
  await provisionTopology(topology, broker.aws);
  printer.print({ type: 'broker_started', endpoint: broker.aws.endpoint ?? '' });
  for (const { environment, asset, queue } of unfilled) {
    printer.print({
      type: 'notice',
      text: `${environment}: nothing in this fleet publishes the asset "${asset}", so the queue ${queue} stays empty`,
    });
  }
}

interface StarterParts {
  readonly aws: AwsOptions;
  readonly sessions: Map<string, EnvironmentSession>;
  readonly show: ActivityShow;
  readonly observer: FleetObserver;
}

/** Starts environments, each on the next free port unless its configuration names one; a restart takes the same again. */
function createStarter({ aws, sessions, show, observer }: StarterParts): (config: EnvironmentConfig) => EnvironmentProcess {
  const ports = new Map<string, number>();
  let finding: Promise<unknown> = Promise.resolve();
  const portOf = async ({ name, api }: EnvironmentConfig): Promise<number> => {
    const port = api.port ?? ports.get(name) ?? (await findFreePort(api.host, FIRST_PORT, new Set(ports.values())));
    ports.set(name, port);
    return port;
  };
  return (config) => {
    const { name } = config;
    let startedMs = clock.monotonicMs();
    return startEnvironmentProcess({
      config,
      variables() {
        startedMs = clock.monotonicMs();
        // One after the other, so that the first environment has the first port.
        const variables = finding.then(async () => variablesFor(aws, await portOf(config)));
        finding = variables.catch(() => undefined);
        return variables;
      },
      mayStartAgain(error) {
        // Somebody was quicker to take the port that was found to be free; the one that the configuration names is not for us to change.
        return error.code === 'port_taken' && config.api.port === undefined && ports.delete(name);
      },
      onStarted: ({ address, newAdminPassword }) => {
        show.inTurn(async () => {
          const session = await connectToRunning(config);
          // It ended again already: the crash is told next.
          if (session === undefined) return;
          sessions.set(name, session);
          const dagRuns = await countRuns(session).catch(() => undefined);
          if (dagRuns === undefined) return;
          observer.printer.print({
            type: 'environment_started',
            environment: name,
            url: address,
            passwordFile: passwordFile(config),
            ...(newAdminPassword === undefined ? {} : { newPassword: newAdminPassword }),
            dagRuns,
            durationMs: Math.round(clock.monotonicMs() - startedMs),
          });
        });
      },
      onActivity: (activity) => show.activity(name, activity),
      onLog: (line) => observer.printer.print({ type: 'environment_log', environment: name, line }),
      onCrash: (crash) => observer.printer.print({ type: 'environment_crashed', environment: name, ...crash }),
    });
  };
}

function variablesFor({ endpoint, region, accountId, credentials }: AwsOptions, port: number): Readonly<Record<string, string>> {
  return {
    TRADEWIND__AWS__ENDPOINT: endpoint ?? '',
    TRADEWIND__AWS__REGION: region,
    TRADEWIND__AWS__ACCOUNT_ID: accountId,
    TRADEWIND__AWS__ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
    TRADEWIND__AWS__SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
    TRADEWIND__API__PORT: String(port),
  };
}

async function countRuns({ ask }: EnvironmentSession): Promise<number> {
  const answer = await ask({ method: 'GET', path: '/api/v2/dags/~/dagRuns?limit=1' });
  return (answer as { readonly total_entries: number }).total_entries;
}
