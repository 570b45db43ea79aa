import { decodeJson, type JsonValue, type SerializedTask, type TaskRequest, type TaskResponse } from '@tradewind/protocol';
import type { Connection } from '../authoring/environment-access.ts';
import type { Ask } from '../worker/request-channel.ts';

/** What a test says instead of an environment. */
export interface FakeEnvironment {
  /** By key; a value that is no text is JSON. */
  readonly variables: Readonly<Record<string, JsonValue>>;
  /** By id; what is left out is null. */
  readonly connections: Readonly<Record<string, FakeConnection>>;
  /** What tasks pushed, and what they returned, by `task id` and `key`. */
  readonly xcoms: Map<string, JsonValue>;
}

/** A connection as a test gives it. */
export interface FakeConnection extends Partial<Omit<Connection, 'connId'>> {
  readonly connType: string;
}

/**
 * Answers the requests of a task in `runDag`. As in an environment, a task has only the variables and connections that it declares: a test would otherwise
 * pass where the environment refuses.
 */
export function createFakeAsk({ environment }: { readonly environment: FakeEnvironment }, task: SerializedTask): Ask {
  return (request) => Promise.resolve(answer(environment, task, request));
}

/** An environment that has nothing but what a test says. */
export function createFakeEnvironment(given: Partial<Omit<FakeEnvironment, 'xcoms'>>): FakeEnvironment {
  return { variables: given.variables ?? {}, connections: given.connections ?? {}, xcoms: new Map() };
}

/** The key of a value in `FakeEnvironment.xcoms`. */
export function xcomKey(taskId: string, key: string): string {
  return `${taskId}\n${key}`;
}

function answer({ variables, connections, xcoms }: FakeEnvironment, task: SerializedTask, request: TaskRequest): TaskResponse {
  switch (request.kind) {
    case 'variable': {
      const value = own(variables, request.key);
      return give('variable', request.key, task, value === undefined || typeof value === 'string' ? value : JSON.stringify(value));
    }
    case 'connection':
      return give('connection', request.connId, task, asConnection(request.connId, own(connections, request.connId)));
    case 'xcom': {
      const value = xcoms.get(xcomKey(request.taskId, request.key));
      return value === undefined ? missing(`XCom "${request.key}" of task "${request.taskId}"`) : { ok: true, value };
    }
    case 'push_xcom':
      xcoms.set(xcomKey(task.taskId, request.key), decodeJson(request.valueJson));
      return DONE;
    case 'mask':
    case 'rendered_fields':
      return DONE;
    case 'asset_events':
      return { ok: true, value: [] };
    case 'previous_success':
      // A test has one run, which is the first.
      return DONE;
    case 'dag_run_states':
    case 'trigger_dag_run':
      return { ok: false, code: 'unavailable', message: `runDag does not answer requests of kind ${request.kind}` };
  }
}

const DONE: TaskResponse = { ok: true, value: null };

function give(kind: 'variable' | 'connection', name: string, task: SerializedTask, value: JsonValue | undefined): TaskResponse {
  const declared = (kind === 'variable' ? task.variables : task.connections) ?? [];
  if (!declared.includes(name)) {
    return {
      ok: false,
      code: 'forbidden',
      message: `task "${task.taskId}" does not declare the ${kind} "${name}": add ${kind}s: ['${name}']`,
    };
  }
  return value === undefined
    ? missing(`${kind} "${name}"; give it to the test: ${kind}s: { ${JSON.stringify(name)}: … }`)
    : { ok: true, value };
}

function missing(what: string): TaskResponse {
  return { ok: false, code: 'not_found', message: `there is no ${what}` };
}

function asConnection(connId: string, given: FakeConnection | undefined): JsonValue | undefined {
  if (given === undefined) return undefined;
  const { connType, host = null, schema = null, login = null, password = null, port = null, extra = {} } = given;
  return { connId, connType, host, schema, login, password, port, extra };
}

function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
