import { decodeJson, type JsonValue, type SerializedDag, type SerializedTask, type TaskResponse } from '@tradewind/protocol';
import type { Connection } from '../../model/connections/connection.ts';
import { isConnectionId } from '../../model/connections/connection.ts';
import { presentRenderedFields } from '../../model/masking/rendered-fields.ts';
import { isGranted } from '../../model/variables/is-granted.ts';
import { isVariableKey } from '../../model/variables/variable.ts';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Database } from '../../store/database.ts';
import { readSerializedDag, type LiveAttempt } from '../../store/reads/attempts.ts';
import { storableText } from '../../store/storable-text.ts';
import { recordRenderedFields } from '../../store/transitions/record-rendered-fields.ts';
import { recordSecretFetch, type SecretFetch } from '../../store/transitions/record-secret-fetch.ts';
import type { EnvironmentSecrets } from './environment-secrets.ts';
import type { Found } from './secret-lookup.ts';
import { attemptOver, DONE, type RequestOf } from './task-services.ts';

/** What the answers about secrets need. */
export interface SecretAnswers {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: EnvironmentSecrets;
  /** What every task may ask for: the settings `secrets.allowedVariables` and `secrets.allowedConnections`. */
  readonly allowed: { readonly variable: readonly string[]; readonly connection: readonly string[] };
  /** The definitions of tasks that asked, by version of their dag. */
  readonly definitions: Map<string, ReadonlyMap<string, SerializedTask>>;
}

/** The value of a variable, where the task may have it. What is secret in it is masked before it leaves. */
export async function answerVariable(parts: SecretAnswers, attempt: LiveAttempt, { key }: RequestOf<'variable'>): Promise<TaskResponse> {
  if (!isVariableKey(key)) return badRequest(`${JSON.stringify(key)} cannot be the key of a variable`);
  return give(parts, attempt, {
    kind: 'variable',
    name: key,
    find: () => parts.secrets.lookup.findVariable(key),
    learn: (value) => parts.secrets.learnVariable(key, value),
    write: (value) => value,
  });
}

/** A connection, where the task may have it. What is secret in it is masked before it leaves. */
export async function answerConnection(
  parts: SecretAnswers,
  attempt: LiveAttempt,
  { connId }: RequestOf<'connection'>,
): Promise<TaskResponse> {
  if (!isConnectionId(connId)) return badRequest(`${JSON.stringify(connId)} cannot be the id of a connection`);
  return give(parts, attempt, {
    kind: 'connection',
    name: connId,
    find: () => parts.secrets.lookup.findConnection(connId),
    learn: (connection) => parts.secrets.learnConnection(connection),
    write: ({ connType, host, schema, login, password, port, extra }: Connection) => ({
      connId,
      connType,
      host,
      schema,
      login,
      password,
      port,
      extra,
    }),
  });
}

/** Has texts masked that the task itself calls secret. */
export function answerMask({ secrets }: SecretAnswers, { values }: RequestOf<'mask'>): TaskResponse {
  const refused = values.filter((value) => !secrets.masker.add(value)).length;
  return refused === 0
    ? DONE
    : badRequest(`${refused} of the texts are too short or too plain to be masked: they would be found everywhere`);
}

/** Keeps what the template fields of the try became. */
export async function answerRenderedFields(
  { database, clock, secrets }: SecretAnswers,
  attempt: LiveAttempt,
  { fields }: RequestOf<'rendered_fields'>,
): Promise<TaskResponse> {
  const shown = storableText(JSON.stringify(presentRenderedFields(fields, secrets.masker)));
  const { outcome } = await recordRenderedFields(database, attempt, shown, clock.now());
  return outcome === 'recorded' ? DONE : attemptOver();
}

/** A variable or connection that a task wants. */
interface Wanted<Value> {
  readonly kind: 'variable' | 'connection';
  readonly name: string;
  readonly find: () => Promise<Found<Value> | undefined>;
  readonly learn: (value: Value) => void;
  readonly write: (value: Value) => JsonValue;
}

async function give<Value>(parts: SecretAnswers, attempt: LiveAttempt, wanted: Wanted<Value>): Promise<TaskResponse> {
  const { kind, name } = wanted;
  const record = async (rest: Pick<SecretFetch, 'outcome' | 'source'>, response: TaskResponse): Promise<TaskResponse> => {
    const { outcome } = await recordSecretFetch(parts.database, attempt, { kind, name, ...rest }, parts.clock.now());
    return outcome === 'recorded' ? response : attemptOver();
  };
  if (!(await mayHave(parts, attempt, wanted))) return record({ outcome: 'refused', source: null }, refusal(attempt, wanted));
  let found: Found<Value> | undefined;
  try {
    found = await wanted.find();
  } catch (error) {
    // Written for people, and about what the task may have anyway.
    if (error instanceof TradewindError && error.code === 'bad_request') return badRequest(error.message);
    throw error;
  }
  if (found === undefined) return record({ outcome: 'missing', source: null }, missing(wanted));
  wanted.learn(found.value);
  return record({ outcome: 'given', source: found.source }, { ok: true, value: wanted.write(found.value) });
}

async function mayHave(parts: SecretAnswers, attempt: LiveAttempt, { kind, name }: Pick<Wanted<never>, 'kind' | 'name'>): Promise<boolean> {
  const task = await findTask(parts, attempt);
  const declared = (kind === 'variable' ? task?.variables : task?.connections) ?? [];
  return isGranted(name, { declared, allowed: parts.allowed[kind] });
}

/** Versions never change, so what was read once stays true; a few hundred of them are more than run at the same time. */
const MOST_DEFINITIONS = 200;

async function findTask(
  { database, definitions }: SecretAnswers,
  { dagVersionId, taskId }: LiveAttempt,
): Promise<SerializedTask | undefined> {
  const known = definitions.get(dagVersionId);
  if (known !== undefined) return known.get(taskId);
  const serialized = await readSerializedDag(database, dagVersionId);
  const { tasks } = decodeJson(serialized ?? '{"tasks":[]}') as unknown as SerializedDag;
  const byId = new Map(tasks.map((task) => [task.taskId, task]));
  const [oldest] = definitions.keys();
  if (definitions.size >= MOST_DEFINITIONS && oldest !== undefined) definitions.delete(oldest);
  definitions.set(dagVersionId, byId);
  return byId.get(taskId);
}

const SETTINGS = { variable: 'secrets.allowedVariables', connection: 'secrets.allowedConnections' } as const;

function refusal({ dagId, taskId }: LiveAttempt, { kind, name }: Pick<Wanted<never>, 'kind' | 'name'>): TaskResponse {
  const declaration = `${kind}s: ['${name}']`;
  const message =
    `task "${taskId}" of dag "${dagId}" may not have the ${kind} "${name}": declare it with the task (${declaration}), ` +
    `or have the environment allow it to every task (setting ${SETTINGS[kind]})`;
  return { ok: false, code: 'forbidden', message };
}

function missing({ kind, name }: Pick<Wanted<never>, 'kind' | 'name'>): TaskResponse {
  const variable = kind === 'variable' ? 'AIRFLOW_VAR' : 'AIRFLOW_CONN';
  const message =
    `there is no ${kind} "${name}", neither in a secrets backend, nor as ${variable}_${name.toUpperCase()}, nor in the database: ` +
    `set it with "tradewind ${kind}s ${kind === 'variable' ? 'set' : 'add'} ${name}"`;
  return { ok: false, code: 'not_found', message };
}

function badRequest(message: string): TaskResponse {
  return { ok: false, code: 'bad_request', message };
}
