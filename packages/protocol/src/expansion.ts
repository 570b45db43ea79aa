import type { JsonObject, JsonValue } from './json.ts';

/**
 * A list that dynamic mapping runs over: what a task returned (for a mapped task the values of its task instances, in order), a literal, or two and more of
 * these side by side or one after the other. An object is a list of its `[key, value]` pairs.
 */
export type MapSource =
  | { readonly kind: 'xcom'; readonly taskId: string }
  | { readonly kind: 'literal'; readonly value: readonly JsonValue[] | JsonObject }
  /** Stops at the shortest, unless a fill value makes up for what is missing. */
  | { readonly kind: 'zip'; readonly of: readonly MapSource[]; readonly fillValue?: JsonValue }
  | { readonly kind: 'concat'; readonly of: readonly MapSource[] };

/** How many task instances a mapped task has, and what each is given. */
export type SerializedExpansion =
  /** The cross product of lists, each under the name of an input; the last one varies fastest. */
  | { readonly kind: 'product'; readonly over: readonly { readonly name: string; readonly source: MapSource }[] }
  /** One list whose elements are objects: each is the inputs of one task instance. */
  | { readonly kind: 'sets'; readonly source: MapSource };

/** How many task instances one mapped task may have where nothing else is configured (Airflow's `max_map_length`). */
export const DEFAULT_MAX_MAP_LENGTH = 1_024;
