/**
 * Places outside of the database that variables and connections come from: a secrets backend, and the process's own environment. Each gives texts; what they
 * mean is decided in `model/`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, TradewindError } from './errors.ts';

/** A place that variables and connections are looked up in, before the database is. Airflow's `BaseSecretsBackend`. */
export interface SecretsBackend {
  /** Shown where a value came from: `environment`, `local_file`. */
  readonly name: string;
  /** The text of a variable; undefined where the place does not have it. */
  findVariable(key: string): Promise<string | undefined>;
  /** A connection as a URI or as JSON; undefined where the place does not have it. */
  findConnection(connId: string): Promise<string | undefined>;
  /** Everything that the place holds, where it can say so, for masking from the start. */
  list?(): Promise<SecretsListing>;
}

/** What a place holds, by key and by connection id. */
export interface SecretsListing {
  readonly variables: Readonly<Record<string, string>>;
  readonly connections: Readonly<Record<string, string>>;
}

const VARIABLE_PREFIX = 'AIRFLOW_VAR_';
const CONNECTION_PREFIX = 'AIRFLOW_CONN_';

/** The process's own variables, `AIRFLOW_VAR_<KEY>` and `AIRFLOW_CONN_<ID>`, with key and id in capitals. */
export function environmentBackend(variables: Readonly<Record<string, string | undefined>>): SecretsBackend {
  const withPrefix = (prefix: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) =>
        name.startsWith(prefix) && value !== undefined ? [[name.slice(prefix.length).toLowerCase(), value]] : [],
      ),
    );
  return {
    name: 'environment',
    findVariable: (key) => Promise.resolve(variables[`${VARIABLE_PREFIX}${key.toUpperCase()}`]),
    findConnection: (connId) => Promise.resolve(variables[`${CONNECTION_PREFIX}${connId.toUpperCase()}`]),
    list: () => Promise.resolve({ variables: withPrefix(VARIABLE_PREFIX), connections: withPrefix(CONNECTION_PREFIX) }),
  };
}

/** Where the local-file backend reads; a file that is not named holds nothing. */
export interface LocalFiles {
  readonly variablesFile: string | undefined;
  readonly connectionsFile: string | undefined;
}

/**
 * Airflow's local filesystem backend: files in JSON (`.json`), YAML (`.yaml`, `.yml`) or `KEY=value` lines (`.env`), read at every look-up, so that a changed
 * file counts at once.
 */
export function localFileBackend({ variablesFile, connectionsFile }: LocalFiles): SecretsBackend {
  const list = async (): Promise<SecretsListing> => ({
    variables: variablesFile === undefined ? {} : await readEntries(variablesFile),
    connections: connectionsFile === undefined ? {} : await readEntries(connectionsFile),
  });
  return {
    name: 'local_file',
    list,
    findVariable: async (key) => ownValue((await list()).variables, key),
    findConnection: async (connId) => ownValue((await list()).connections, connId),
  };
}

function ownValue(entries: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

/** Whatever is not text already is its JSON. */
async function readEntries(file: string): Promise<Readonly<Record<string, string>>> {
  const entries = await parse(file, await readText(file));
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw badFile(file, 'it holds no object of names and values');
  return Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw badFile(file, messageOf(error), error);
  }
}

async function parse(file: string, text: string): Promise<unknown> {
  try {
    switch (path.extname(file)) {
      case '.json':
        return JSON.parse(text);
      case '.yaml':
      case '.yml':
        return (await import('yaml')).parse(text) ?? {};
      case '.env':
        return parseLines(text);
    }
  } catch {
    // Without the parser's message, which quotes the file.
    throw badFile(file, 'it is not in the format that its name says');
  }
  throw badFile(file, 'its name must end in .json, .yaml, .yml or .env');
}

function parseLines(text: string): Readonly<Record<string, string>> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf('=');
      if (end < 1) throw new Error('a line has no name');
      return [line.slice(0, end).trim(), unquoted(line.slice(end + 1).trim())];
    }),
  );
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

function badFile(file: string, problem: string, cause?: unknown): TradewindError {
  return new TradewindError('bad_configuration', `the secrets file ${file} cannot be used: ${problem}`, { cause });
}
