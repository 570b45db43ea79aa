import { readFileSync } from 'node:fs';
import { Validator, type Schema } from '@cfworker/json-schema';
import { parse } from 'yaml';

/** An operation of Airflow's REST API. */
export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly queryParameters: readonly string[];
  /** Whether the document asks for a token. */
  readonly isSecured: boolean;
  /** Statuses whose body the document describes. */
  readonly statuses: readonly number[];
  /** What is wrong with a JSON body, in words; empty where nothing is. */
  check(status: number, body: unknown): readonly string[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

interface OperationObject {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>>;
}

type JsonSchema = { readonly [keyword: string]: unknown };

/** The operations of the two documents beside this file, by operation id. */
export function readAirflowOperations(): ReadonlyMap<string, Operation> {
  const documents = ['airflow-3.3.2.openapi.yaml', 'airflow-simple-auth-manager-3.2.openapi.yaml'].map((name) => {
    return parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Document;
  });
  return new Map(documents.flatMap(operationsOf).map((operation) => [operation.operationId, operation]));
}

function operationsOf({ paths, components }: Document): Operation[] {
  const definitions = { components: closed(components) as JsonSchema };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, parameters = [], responses }]) => {
      const schemas = new Map(
        Object.entries(responses).map(([status, { content }]) => [Number(status), content?.['application/json']?.schema]),
      );
      return {
        operationId,
        method: method.toUpperCase(),
        path,
        queryParameters: parameters.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name),
        isSecured: security !== undefined,
        statuses: [...schemas.keys()],
        check: (status: number, body: unknown) => checkBody(schemas.get(status), definitions, body),
      };
    }),
  );
}

function checkBody(schema: JsonSchema | undefined, definitions: JsonSchema, body: unknown): readonly string[] {
  if (schema === undefined) return ['the document describes no body for this status'];
  const validator = new Validator({ ...(closed(schema) as Schema), ...definitions }, '2020-12', false);
  return validator.validate(body).errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

/**
 * The same schema, in which an object has the properties that it names and no others: what the document leaves open it does not know, and neither
 * should an answer have it.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, closed(value)]));
  const isRecord = typeof copy['properties'] === 'object' && copy['type'] === 'object';
  return isRecord && copy['additionalProperties'] === undefined ? { ...copy, additionalProperties: false } : copy;
}
