/**
 * Changes the keys of an environment while it works.
 *
 *   the new master key is added ──▸ every data key is sealed with it ──▸ a new data key is added ──▸ every value is sealed with that ──▸ the old master key goes
 *
 * Each step can be repeated: a rotation that was interrupted is completed by the next one, and until then old and new keys open what they sealed.
 */
import type { Clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { readMasterKeys, replaceMasterKeyFile, type MasterKeySource } from '../../platform/master-keys.ts';
import {
  generateDataKey,
  generateMasterKey,
  unwrapDataKey,
  wrapDataKey,
  type MasterKey,
  type SecretBox,
} from '../../platform/secret-box.ts';
import type { Database } from '../../store/database.ts';
import { readSealedConnections } from '../../store/reads/connections.ts';
import { readDataKeys } from '../../store/reads/data-keys.ts';
import { readSealedVariables } from '../../store/reads/variables.ts';
import { placeOfConnection, placeOfVariable } from '../../store/secret-places.ts';
import { addDataKey, rewrapDataKey } from '../../store/transitions/data-keys.ts';
import { resealSecrets, type ResealedValue, type SealedColumn } from '../../store/transitions/reseal-secrets.ts';

/** What a rotation has done. */
export interface SecretRotation {
  /** Fingerprint of the master key that everything is sealed with now. */
  readonly masterKeyId: string;
  /** How many data keys were sealed with it. */
  readonly dataKeys: number;
  /** How many values were sealed anew. */
  readonly values: number;
}

/** What a rotation needs. */
export interface RotationParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly box: SecretBox;
}

/** Where the master keys of an environment are. */
export function sourceOf({ stateFolder, secrets }: EnvironmentConfig): MasterKeySource {
  return { stateFolder, configured: secrets.key };
}

/**
 * Rotates the keys. With a file of the state folder a new master key is made; with the setting `secrets.key` its first key becomes the one.
 * @throws TradewindError `bad_configuration` where there is no master key
 */
export async function rotateSecrets(config: EnvironmentConfig, { database, clock, log, box }: RotationParts): Promise<SecretRotation> {
  const isInFile = config.secrets.key === undefined;
  const known = await readMasterKeys(sourceOf(config));
  const masters = isInFile ? [generateMasterKey(), ...known] : known;
  const [primary] = masters;
  if (primary === undefined || known.length === 0) throw new TradewindError('bad_configuration', 'there is no master key to rotate');
  if (isInFile) await replaceMasterKeyFile(config.stateFolder, masters);
  const dataKeys = await rewrapDataKeys(database, masters, primary);
  await addDataKey(database, wrapDataKey(primary, generateDataKey()), clock.now());
  box.replaceKeys((await readDataKeys(database)).map((wrapped) => unwrapDataKey(masters, wrapped)));
  const values = await resealValues(database, box);
  if (isInFile) await replaceMasterKeyFile(config.stateFolder, [primary]);
  log.info('the keys of secrets were rotated', { master_key: primary.id, data_keys: dataKeys, values });
  return { masterKeyId: primary.id, dataKeys, values };
}

async function rewrapDataKeys(database: Database, masters: readonly MasterKey[], primary: MasterKey): Promise<number> {
  let count = 0;
  for (const wrapped of await readDataKeys(database)) {
    if (wrapped.masterKeyId === primary.id) continue;
    const isChanged = await rewrapDataKey(database, wrapped, wrapDataKey(primary, unwrapDataKey(masters, wrapped)));
    if (!isChanged) throw new TradewindError('conflict', 'the keys are being rotated by somebody else at this moment: try again');
    count += 1;
  }
  return count;
}

/** So many values are sealed in one transaction: a rotation never keeps others waiting for long. */
const BATCH_SIZE = 100;

async function resealValues(database: Database, box: SecretBox): Promise<number> {
  const connections = await readSealedConnections(database);
  const variables = (await readSealedVariables(database)).map(({ key, value }) => ({
    id: key,
    sealed: value,
    place: placeOfVariable(key),
  }));
  const ofColumn = (column: 'password' | 'extra') =>
    connections.map((row) => ({ id: row.connId, sealed: row[column], place: placeOfConnection(row.connId, column) }));
  const columns: readonly (readonly [SealedColumn, readonly SealedValue[]])[] = [
    ['variable.value', variables],
    ['connection.password', ofColumn('password')],
    ['connection.extra', ofColumn('extra')],
  ];
  let count = 0;
  for (const [column, sealed] of columns) {
    const outdated = sealed.flatMap((value) => reseal(box, value));
    for (let start = 0; start < outdated.length; start += BATCH_SIZE) {
      count += await resealSecrets(database, column, outdated.slice(start, start + BATCH_SIZE));
    }
  }
  return count;
}

interface SealedValue {
  readonly id: string;
  readonly sealed: string | null;
  readonly place: string;
}

/** Nothing for a value that is sealed with the newest key already. One that does not open is left as it is: it is no worse for it. */
function reseal(box: SecretBox, { id, sealed, place }: SealedValue): ResealedValue[] {
  if (sealed === null || !box.isOutdated(sealed)) return [];
  try {
    return [{ id, before: sealed, after: box.seal(box.open(sealed, place), place) }];
  } catch {
    return [];
  }
}
