/**
 * Opens what an environment keeps secret: its keys, the places that it looks in, and what it masks.
 *
 *   no key, nothing sealed ──▸ a key is made ──▸ open
 *   a key ── opens what is sealed ──▸ open
 *     └── does not, or is missing ──▸ the start fails
 */
import path from 'node:path';
import { Masker } from '../../model/masking/masker.ts';
import { secretsOfConnection, secretsOfVariable } from '../../model/masking/secrets-of.ts';
import { sensitiveNames, type IsSensitiveName } from '../../model/masking/sensitive-names.ts';
import { ValueSealer } from '../../model/masking/value-sealer.ts';
import type { Connection } from '../../model/connections/connection.ts';
import { parseConnection } from '../../model/connections/parse-connection.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { messageOf, TradewindError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { createMasterKeyFile, masterKeyFile, readMasterKeys } from '../../platform/master-keys.ts';
import { processVariables } from '../../platform/process-variables.ts';
import { generateDataKey, SecretBox, unwrapDataKey, wrapDataKey } from '../../platform/secret-box.ts';
import { environmentBackend, localFileBackend, type SecretsBackend } from '../../platform/secrets-backend.ts';
import type { Database } from '../../store/database.ts';
import { openConnection, readSealedConnections } from '../../store/reads/connections.ts';
import { readDataKeys } from '../../store/reads/data-keys.ts';
import { placeOfVariable } from '../../store/secret-places.ts';
import { readSealedVariables } from '../../store/reads/variables.ts';
import { createFirstDataKey } from '../../store/transitions/data-keys.ts';
import { rotateSecrets, sourceOf, type SecretRotation } from './rotate-secrets.ts';
import { SecretLookup } from './secret-lookup.ts';

/** What an environment keeps secret, open. */
export interface EnvironmentSecrets {
  readonly box: SecretBox;
  readonly masker: Masker;
  readonly sealer: ValueSealer;
  readonly lookup: SecretLookup;
  readonly isSensitive: IsSensitiveName;
  /** Has masked what must not be shown of a variable. */
  learnVariable(key: string, value: string): void;
  /** The same for a connection. */
  learnConnection(connection: Connection): void;
  /** Seals everything with new keys, while work goes on. */
  rotate(): Promise<SecretRotation>;
}

/** What opening needs. */
export interface SecretsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Opens the secrets of an environment. What it knows of secrets by then is masked from the start.
 * @throws TradewindError `bad_configuration` where the master key is missing, is another one, or lies open
 */
export async function openSecrets(config: EnvironmentConfig, { database, clock, log }: SecretsParts): Promise<EnvironmentSecrets> {
  const box = await openBox(config, { database, clock, log });
  const isSensitive = sensitiveNames(config.secrets.sensitiveNames);
  const masker = new Masker(isSensitive);
  const backends = backendsOf(config);
  const refreshKeys = (): Promise<void> => reopenBox(box, config, database);
  const secrets: EnvironmentSecrets = {
    box,
    masker,
    isSensitive,
    sealer: new ValueSealer(masker, box, refreshKeys),
    lookup: new SecretLookup({ database, box, backends, refreshKeys }),
    learnVariable: (key, value) => maskVariable(key, value, { masker, isSensitive }, log),
    learnConnection: (connection) => maskConnection(connection, { masker, isSensitive }, log),
    rotate: () => rotateSecrets(config, { database, clock, log, box }),
  };
  await learnStored(database, secrets, log);
  for (const backend of backends) await learnListed(backend, secrets, log);
  return secrets;
}

/** Reads the keys of the database again, with the master keys as they are now. */
async function reopenBox(box: SecretBox, config: EnvironmentConfig, database: Database): Promise<void> {
  const masters = await readMasterKeys(sourceOf(config));
  box.replaceKeys((await readDataKeys(database)).map((wrapped) => unwrapDataKey(masters, wrapped)));
}

/** Says so where something cannot be masked. */
function maskVariable(key: string, value: string, { masker, isSensitive }: Masking, log: Log): void {
  mask(secretsOfVariable(key, value, isSensitive), { what: `variable "${key}"`, masker, log });
}

function maskConnection(connection: Connection, { masker, isSensitive }: Masking, log: Log): void {
  mask(secretsOfConnection(connection, isSensitive), { what: `connection "${connection.connId}"`, masker, log });
}

type Masking = Pick<EnvironmentSecrets, 'masker' | 'isSensitive'>;

async function openBox(config: EnvironmentConfig, { database, clock, log }: SecretsParts): Promise<SecretBox> {
  let masters = await readMasterKeys(sourceOf(config));
  let wrapped = await readDataKeys(database);
  if (masters.length === 0) {
    if (wrapped.length > 0) throw missingKey(config);
    masters = await createMasterKeyFile(config.stateFolder);
    log.info('a master key for secrets was made; back it up apart from the database', { file: masterKeyFile(config.stateFolder) });
  }
  const [master] = masters;
  if (wrapped.length === 0 && master !== undefined) {
    await createFirstDataKey(database, wrapDataKey(master, generateDataKey()), clock.now());
    wrapped = await readDataKeys(database);
  }
  return new SecretBox(wrapped.map((key) => unwrapDataKey(masters, key)));
}

function missingKey({ stateFolder }: EnvironmentConfig): TradewindError {
  return new TradewindError(
    'bad_configuration',
    `the database holds secrets, and the master key that they are sealed with is missing: put back ${masterKeyFile(stateFolder)}, or set secrets.key`,
  );
}

function backendsOf({ folder, secrets }: EnvironmentConfig): readonly SecretsBackend[] {
  const { variablesFile, connectionsFile } = secrets;
  const absolute = (file: string | undefined): string | undefined => (file === undefined ? undefined : path.resolve(folder, file));
  const hasFiles = variablesFile !== undefined || connectionsFile !== undefined;
  const files = { variablesFile: absolute(variablesFile), connectionsFile: absolute(connectionsFile) };
  return [...(hasFiles ? [localFileBackend(files)] : []), environmentBackend(processVariables())];
}

async function learnStored(database: Database, secrets: EnvironmentSecrets, log: Log): Promise<void> {
  for (const { key, value } of await readSealedVariables(database)) {
    try {
      secrets.learnVariable(key, secrets.box.open(value, placeOfVariable(key)));
    } catch (error) {
      log.error('a variable does not open', { key, problem: messageOf(error) });
    }
  }
  for (const row of await readSealedConnections(database)) {
    try {
      secrets.learnConnection(openConnection(secrets.box, row));
    } catch (error) {
      log.error('a connection does not open', { connection_id: row.connId, problem: messageOf(error) });
    }
  }
}

async function learnListed(backend: SecretsBackend, secrets: EnvironmentSecrets, log: Log): Promise<void> {
  const listing = await backend.list?.();
  for (const [key, value] of Object.entries(listing?.variables ?? {})) secrets.learnVariable(key, value);
  for (const [connId, text] of Object.entries(listing?.connections ?? {})) {
    const read = parseConnection(connId, text);
    if (read.ok) secrets.learnConnection(read.connection);
    else log.warning('a connection cannot be read', { connection_id: connId, source: backend.name, problem: read.reason });
  }
}

function mask(texts: readonly string[], { what, masker, log }: { what: string; masker: Masker; log: Log }): void {
  if (texts.filter((text) => text !== '' && !masker.add(text)).length === 0) return;
  log.warning('a secret is too short or too plain to be masked: logs may show it', { secret: what });
}
