import { decodeJson, encodeJson, type JsonObject, type JsonValue, type SerializedDag } from '@tradewind/protocol';
import { findNearest } from '../authoring/check-fields.ts';
import { findParamProblem } from '../authoring/find-param-problem.ts';
import { showNames } from '../authoring/show-value.ts';
import { SdkError } from '../errors.ts';

/**
 * The params of a run: what was given, else what the events carry under the same name (a later event wins), else the default; each
 * checked against its schema.
 * @throws SdkError (`bad_test_run`) naming the param
 */
export function resolveParams(dag: SerializedDag, given: unknown, eventExtras: readonly JsonValue[]): JsonObject {
  const ownValues = readGiven(dag, given);
  const eventValues: JsonObject = Object.assign({}, ...eventExtras.filter(isObject)) as JsonObject;
  const names = Object.keys(dag.params);
  return Object.fromEntries(names.map((name) => [name, resolveParam(dag, name, ownValues[name] ?? eventValues[name])]));
}

function resolveParam(dag: SerializedDag, name: string, given: JsonValue | undefined): JsonValue {
  const schema = dag.params[name] ?? {};
  const value = given ?? schema['default'];
  if (value === undefined) {
    throw badRun(dag, `param "${name}" has no default and was not given; pass params: { ${name}: … }`);
  }
  const problem = findParamProblem(schema, value);
  if (problem !== undefined) throw badRun(dag, `param "${name}" does not fit its schema: ${problem}`);
  return structuredClone(value);
}

function readGiven(dag: SerializedDag, given: unknown): JsonObject {
  const encoded = encodeJson(given ?? {});
  if (!encoded.ok) throw badRun(dag, `params are not JSON: ${encoded.problem.path} ${encoded.problem.reason}`);
  const values = decodeJson(encoded.json);
  if (!isObject(values)) throw badRun(dag, 'params must be an object of values by name');
  const known = Object.keys(dag.params);
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown === undefined) return values;
  const nearest = findNearest(unknown, known);
  const advice = nearest === undefined ? `its params: ${showNames(known) || 'none'}` : `did you mean "${nearest}"?`;
  throw badRun(dag, `"${unknown}" is not a param of the dag; ${advice}`);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badRun({ dagId }: SerializedDag, problem: string): SdkError {
  return new SdkError('bad_test_run', `runDag of dag "${dagId}": ${problem}`);
}
