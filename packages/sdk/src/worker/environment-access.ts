import { decodeJson, encodeJson, MAX_RESULT_BYTES, type JsonValue, type TaskRequest, type TaskResponse } from '@tradewind/protocol';
import type { Connection, EnvironmentAccess, ReadVariable, XComAccess, XComPlace } from '../authoring/environment-access.ts';
import { BadValueError, RequestError } from '../errors.ts';
import type { Ask } from './request-channel.ts';

/** Longest names that an environment takes (Airflow's column width). */
const MAX_NAME_LENGTH = 250;
/** The key of what a task returns (Airflow's `XCOM_RETURN_KEY`). */
export const RETURN_VALUE_KEY = 'return_value';
const MAX_MASKED_TEXTS = 100;

/** The questions that a task's context offers, asked through `ask`. */
export function createEnvironmentAccess(ask: Ask, taskId: string): EnvironmentAccess {
  return {
    variable: readVariableWith(ask),
    async connection(connId) {
      checkName('connection', connId);
      return (await answerOf(ask, { kind: 'connection', connId })) as unknown as Connection;
    },
    xcom: createXComAccess(ask, taskId),
    async mask(...values) {
      const texts = values.filter((value) => typeof value === 'string' && value !== '');
      for (let start = 0; start < texts.length; start += MAX_MASKED_TEXTS) {
        await answerOf(ask, { kind: 'mask', values: texts.slice(start, start + MAX_MASKED_TEXTS) });
      }
    },
  };
}

/** What every form of `context.variable` takes. */
interface VariableOptions {
  readonly json?: boolean;
  readonly parse?: (value: JsonValue) => unknown;
  readonly default?: unknown;
}

function readVariableWith(ask: Ask): ReadVariable {
  const readVariable = async (key: string, options: VariableOptions = {}): Promise<unknown> => {
    checkName('variable', key);
    const response = await ask({ kind: 'variable', key });
    const hasDefault = Object.hasOwn(options, 'default');
    if (!response.ok && response.code === 'not_found' && hasDefault) return options.default;
    const text = valueOf(response);
    if (options.json !== true) return text;
    const value = parseVariable(key, text);
    return options.parse === undefined ? value : options.parse(value);
  };
  return readVariable as ReadVariable;
}

function parseVariable(key: string, text: JsonValue): JsonValue {
  try {
    return typeof text === 'string' ? decodeJson(text) : text;
  } catch {
    // Without the parser's message, which quotes the value.
    throw new RequestError('bad_request', `variable "${key}" is not JSON; read it without { json: true }, or correct it`);
  }
}

function createXComAccess(ask: Ask, ownTaskId: string): XComAccess {
  return {
    async pull<Default>({ taskId = ownTaskId, key = RETURN_VALUE_KEY, ...rest }: XComPlace & { readonly default?: Default }) {
      checkName('task', taskId);
      checkName('XCom', key);
      const { mapIndex, runId, includePriorDates } = rest;
      const response = await ask({
        kind: 'xcom',
        taskId,
        key,
        ...(mapIndex === undefined ? {} : { mapIndex }),
        ...(runId === undefined ? {} : { runId }),
        ...(includePriorDates === undefined ? {} : { includePriorDates }),
      });
      if (!response.ok && response.code === 'not_found') return rest.default as Default;
      return valueOf(response);
    },
    async push(key, value) {
      checkName('XCom', key);
      const encoded = encodeJson(value, MAX_RESULT_BYTES);
      if (!encoded.ok) {
        throw new BadValueError(`the value of XCom "${key}" cannot be passed on: ${encoded.problem.path} ${encoded.problem.reason}`);
      }
      await answerOf(ask, { kind: 'push_xcom', key, valueJson: encoded.json });
    },
  };
}

/** Keeps from the channel what the environment would take for nonsense. */
function checkName(what: string, name: unknown): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME_LENGTH && !name.includes('\0')) return;
  throw new RequestError('bad_request', `the name of a ${what} is a text of 1 to ${MAX_NAME_LENGTH} characters`);
}

async function answerOf(ask: Ask, request: TaskRequest): Promise<JsonValue> {
  return valueOf(await ask(request));
}

function valueOf(response: TaskResponse): JsonValue {
  if (response.ok) return response.value;
  throw new RequestError(response.code, response.message);
}

/** Refuses every question: for contexts without an environment around them. */
export const askNobody: Ask = ({ kind }) =>
  Promise.resolve({ ok: false, code: 'unavailable', message: `there is no environment here that could answer a request of kind ${kind}` });
