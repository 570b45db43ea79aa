import type { JsonObject, JsonValue } from '@tradewind/protocol';

type ParamType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | 'null';

/**
 * A JSON Schema (draft 2020-12) for one param. The form of the page, the check of the API and the TypeScript type of
 * `context.params` all come from it. `default` is the value where a run gives none; a dag with a cron schedule needs one for each param.
 *
 * @example
 * params: {
 *   region: { type: 'string', enum: ['eu', 'us'], default: 'eu' }, // context.params.region: 'eu' | 'us'
 *   since: { type: 'string', format: 'date', default: '2026-01-01' },
 *   ids: { type: 'array', items: { type: 'integer' }, default: [] }, // readonly number[]
 * }
 */
export interface ParamSchema {
  readonly type?: ParamType | readonly ParamType[];
  readonly default?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly const?: JsonValue;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly JsonValue[];
  /** Checked for text: `date`, `date-time`, `time`, `duration`, `email`, `uri`, `uuid` and the others of the draft. */
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly items?: ParamSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: ParamSchemas;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ParamSchema;
  readonly anyOf?: readonly ParamSchema[];
  readonly oneOf?: readonly ParamSchema[];
  readonly allOf?: readonly ParamSchema[];
  readonly not?: ParamSchema;
}

/** A dag's params: one schema for each, by name. */
export type ParamSchemas = { readonly [name: string]: ParamSchema };

/** The same schemas where each keyword is one of `ParamSchema`; a misspelt keyword does not compile. */
export type KnownKeywords<P> = {
  readonly [Name in keyof P]: { readonly [K in keyof P[Name]]: K extends keyof ParamSchema ? P[Name][K] : never };
};

/** The TypeScript type of the values that a schema admits. */
export type ParamValue<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly type: readonly (infer T)[] }
      ? ValueOfType<T, S>
      : S extends { readonly type: infer T }
        ? ValueOfType<T, S>
        : JsonValue;

/** The TypeScript type of `context.params`. */
export type ParamValues<P> = { readonly [Name in keyof P]: ParamValue<P[Name]> };

type ValueOfType<T, S> = T extends 'string'
  ? string
  : T extends 'number' | 'integer'
    ? number
    : T extends 'boolean'
      ? boolean
      : T extends 'null'
        ? null
        : T extends 'array'
          ? ItemsOf<S>
          : T extends 'object'
            ? PropertiesOf<S>
            : JsonValue;

type ItemsOf<S> = S extends { readonly items: infer I } ? readonly ParamValue<I>[] : readonly JsonValue[];

type PropertiesOf<S> = S extends { readonly properties: infer P }
  ? { readonly [K in keyof P as K extends RequiredOf<S> ? K : never]: ParamValue<P[K]> } & {
      readonly [K in keyof P as K extends RequiredOf<S> ? never : K]?: ParamValue<P[K]>;
    }
  : JsonObject;

type RequiredOf<S> = S extends { readonly required: readonly (infer K)[] } ? K : never;
