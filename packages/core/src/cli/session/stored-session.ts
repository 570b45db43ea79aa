import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Authentication } from '../../api/auth/authentication.ts';
import { createServer } from '../../api/server.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { describeConfig } from '../../platform/describe-config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { readHeartbeats } from '../../store/reads/health.ts';
import { openStore, type OpenedStore } from '../open-store.ts';
import { openValues } from '../open-values.ts';
import { bundlePlaces } from '../dag-processors.ts';
import { bringDagsUpToDate } from '../read-dag-files.ts';
import { readDagSource } from '../read-dag-source.ts';
import { readSchemaStatus } from '../read-schema-status.ts';
import { openSecrets, type EnvironmentSecrets } from '../task-services/environment-secrets.ts';
import { VERSION } from '../version.ts';
import { readReply } from './api-reply.ts';
import type { EnvironmentSession } from './environment-session.ts';

const random = systemRandom(() => clock.now());

/** A process that was silent for longer is dead (Airflow's `scheduler_health_check_threshold`). */
const LIVE_FOR_MS = 30_000;

/**
 * Opens the store of an environment that does not run, brings its dags in step with their files, and asks the API's own routes, without a port.
 * @throws TradewindError `environment_running` where it does run
 */
export async function openStoredSession(config: EnvironmentConfig): Promise<EnvironmentSession> {
  if (config.bundles.length === 0 && !existsSync(config.dagsFolder)) {
    throw new TradewindError('not_found', `the environment in ${config.folder} has no folder of dag files: make ${config.dagsFolder}`);
  }
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(config, { clock, random, log: silentLog });
  try {
    await prepare(config, store.database);
    const secrets = await openSecrets(config, { database: store.database, clock, log: silentLog });
    return createSession(config, store, secrets);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * An embedded database belongs to this process, which does what a start would do. One on a server may belong to others, too: its schema is left to
 * `tradewind db migrate`, and its dags to a dag processor that lives somewhere else.
 */
async function prepare(config: EnvironmentConfig, database: Database): Promise<void> {
  if (database.dialect === 'sqlite') {
    await migrate(database, clock.now());
  } else {
    await requireSchema(database);
    const isKeptElsewhere = (await readHeartbeats(database)).some(
      ({ kind, liveAt }) => kind === 'dag_processor' && liveAt !== null && clock.now() - liveAt < LIVE_FOR_MS,
    );
    if (isKeptElsewhere) return;
  }
  await bringDagsUpToDate(config, database);
}

async function requireSchema(database: Database): Promise<void> {
  const { version, wanted } = await readSchemaStatus(database);
  if (version === wanted) return;
  const advice = version < wanted ? 'run "tradewind db migrate" first' : 'run the newer program';
  throw new TradewindError('schema_mismatch', `the database has schema version ${version}, and this program needs ${wanted}: ${advice}`);
}

function createSession(config: EnvironmentConfig, store: OpenedStore, secrets: EnvironmentSecrets): EnvironmentSession {
  const places = bundlePlaces(config);
  const largeValues = openValues(config, silentLog);
  const server = createServer({
    database: store.database,
    clock,
    random,
    log: silentLog,
    authentication: OWNER_ONLY,
    logsFolder: config.logsFolder,
    environmentName: config.name,
    version: VERSION,
    secrets,
    config: describeConfig(config),
    largeValues,
    dagFiles: {
      reread: () => bringDagsUpToDate(config, store.database, true),
      readSource: (file, version) => readDagSource(places, file, version),
    },
    wake: () => {},
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await server.close();
    largeValues.close();
    await store.close();
  };
  return {
    config,
    address: undefined,
    async ask({ method, path, body }) {
      const reply = await server.inject({
        method,
        url: path,
        headers: { authorization: 'Bearer owner' },
        ...(body === undefined ? {} : { payload: { ...body } }),
      });
      return readReply(reply.statusCode, reply.body, config.name);
    },
    close: () => (closing ??= close()),
  };
}

/** Whoever opened the store owns it; nobody else reaches a server without a port. The users of the environment are neither read nor made. */
const OWNER_ONLY: Authentication = {
  createdAdmin: undefined,
  login: () => Promise.resolve({ outcome: 'refused' }),
  identify: () => Promise.resolve({ outcome: 'known', principal: { username: 'admin', role: 'admin', readableDags: 'all' } }),
  revoke: () => Promise.resolve(),
  issueToken: () => 'owner',
};
