import { parseConnection } from '../../model/connections/parse-connection.ts';
import type { Connection } from '../../model/connections/connection.ts';
import { TradewindError } from '../../platform/errors.ts';
import { openWithNewestKeys, type SecretBox } from '../../platform/secret-box.ts';
import type { SecretsBackend } from '../../platform/secrets-backend.ts';
import type { Database } from '../../store/database.ts';
import { findConnection } from '../../store/reads/connections.ts';
import { findVariableValue } from '../../store/reads/variables.ts';

/** Something that was found, and where. */
export interface Found<Value> {
  readonly value: Value;
  /** `database`, `environment`, or the name of a secrets backend. */
  readonly source: string;
}

/** What looking up needs. */
export interface SecretLookupParts {
  readonly database: Database;
  readonly box: SecretBox;
  /** In the order in which they are asked; the environment's own variables are one of them. */
  readonly backends: readonly SecretsBackend[];
  /** Reads the keys of the database again. */
  readonly refreshKeys: () => Promise<void>;
}

/**
 * Looks variables and connections up: in the secrets backends in their order, then in the database; the first that has one counts. A place that does not
 * answer is no place that has nothing: the look-up fails, so that a task never goes on with an older value of another place (adr/0015).
 */
export class SecretLookup {
  readonly #database: Database;
  readonly #box: SecretBox;
  readonly #backends: readonly SecretsBackend[];
  readonly #refreshKeys: () => Promise<void>;

  constructor({ database, box, backends, refreshKeys }: SecretLookupParts) {
    this.#database = database;
    this.#box = box;
    this.#backends = backends;
    this.#refreshKeys = refreshKeys;
  }

  /** Undefined where no place has it. */
  async findVariable(key: string): Promise<Found<string> | undefined> {
    for (const backend of this.#backends) {
      const value = await backend.findVariable(key);
      if (value !== undefined) return { value, source: backend.name };
    }
    const value = await openWithNewestKeys(() => findVariableValue(this.#database, this.#box, key), this.#refreshKeys);
    return value === undefined ? undefined : { value, source: 'database' };
  }

  /**
   * Undefined where no place has it.
   * @throws TradewindError `bad_request` where what a backend has is no connection
   */
  async findConnection(connId: string): Promise<Found<Connection> | undefined> {
    for (const backend of this.#backends) {
      const text = await backend.findConnection(connId);
      if (text !== undefined) return { value: readConnection(connId, text, backend.name), source: backend.name };
    }
    const value = await openWithNewestKeys(() => findConnection(this.#database, this.#box, connId), this.#refreshKeys);
    return value === undefined ? undefined : { value, source: 'database' };
  }
}

function readConnection(connId: string, text: string, source: string): Connection {
  const read = parseConnection(connId, text);
  if (read.ok) return read.connection;
  throw new TradewindError('bad_request', `connection "${connId}" of the ${source} cannot be read: ${read.reason}`);
}
