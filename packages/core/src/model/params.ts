import { encodeJson, type JsonObject, type JsonValue } from '@tradewind/protocol';
import { findDanglingReferences, findSchemaProblems, propertyPath, type SchemaProblem } from './find-schema-problems.ts';
import { META_SCHEMA } from './meta-schema.ts';

/** Why params do not fit, and which (`$.limit`). */
export type ParamProblem = SchemaProblem;

/** The params of a run, or what keeps them from being any. */
export type ResolvedParams =
  | { readonly ok: true; readonly params: JsonObject }
  | { readonly ok: false; readonly problems: readonly ParamProblem[] };

/** What `resolveParams` does beyond the usual. */
export interface ResolveParamsOptions {
  /** Refuses keys that are no params; otherwise a run's conf may carry more than the params, as in Airflow. @default false */
  readonly refuseUnknown?: boolean;
}

/**
 * Gives every param its value: the given one, else the default of its schema. Each is checked by its JSON Schema (draft 2020-12).
 * Keys that are no params are not part of the result. Never throws.
 *
 * @param schemas one JSON Schema for each param, as the serialized dag carries them
 */
export function resolveParams(
  schemas: Readonly<Record<string, JsonObject>>,
  given: JsonObject,
  options: ResolveParamsOptions = {},
): ResolvedParams {
  // First, because whatever JSON cannot carry, such as a cycle or a `__proto__` key, must not reach the interpreter.
  const encoded = encodeJson(given);
  if (!encoded.ok) return { ok: false, problems: [{ path: encoded.problem.path, message: encoded.problem.reason }] };
  const unknown = options.refuseUnknown === true ? findUnknown(schemas, given) : [];
  const values: [string, JsonValue][] = [];
  const problems: ParamProblem[] = [...unknown];
  for (const [name, schema] of Object.entries(schemas)) {
    const value = Object.hasOwn(given, name) ? given[name] : schema['default'];
    if (value === undefined) {
      problems.push({ path: propertyPath('$', name), message: 'has no value, and no default' });
      continue;
    }
    problems.push(...findSchemaProblems(schema, value, propertyPath('$', name)));
    values.push([name, value]);
  }
  // `fromEntries` defines properties and never calls a setter, whatever a param is called.
  return problems.length > 0 ? { ok: false, problems } : { ok: true, params: Object.fromEntries(values) };
}

/**
 * Checks the schemas themselves: each a usable JSON Schema of draft 2020-12, whose default, where it has one, fits it.
 * @returns every problem; none where all is well. Never throws.
 */
export function checkParamSchemas(schemas: Readonly<Record<string, JsonObject>>): readonly ParamProblem[] {
  return Object.entries(schemas).flatMap(([name, schema]) => {
    const path = propertyPath('$', name);
    if (name === '__proto__') return [{ path, message: 'cannot be the name of a param' }];
    const problems = [...findSchemaProblems(META_SCHEMA, schema, path), ...findDanglingReferences(schema, path)];
    if (problems.length > 0) return problems;
    const value = schema['default'];
    return value === undefined ? [] : findSchemaProblems(schema, value, `${path}.default`);
  });
}

function findUnknown(schemas: Readonly<Record<string, JsonObject>>, given: JsonObject): ParamProblem[] {
  const names = Object.keys(schemas);
  const known = names.length === 0 ? 'there are none' : `there are: ${names.join(', ')}`;
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(schemas, name))
    .map((name) => ({ path: propertyPath('$', name), message: `is no param of this dag; ${known}` }));
}
