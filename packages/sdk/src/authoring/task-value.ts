import type { JsonValue } from '@tradewind/protocol';

declare const NOT_JSON: unique symbol;

/**
 * Stands where a task returns something that JSON cannot carry (a Date, a Map, a function, a BigInt): the try would fail, so nothing can be
 * done with it downstream. Return a string, a number or a plain object instead.
 */
export interface NotJson<T> {
  readonly [NOT_JSON]: T;
}

type Uncarried =
  | bigint
  | symbol
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | Promise<unknown>
  | ((...parameters: never[]) => unknown);

/**
 * What a value of type `T` is after it went through JSON. Types that are JSON already stay what they are, name included, which keeps
 * messages readable and checking cheap.
 */
export type Jsonify<T> = T extends JsonValue | undefined
  ? T
  : T extends Uncarried
    ? NotJson<T>
    : T extends object
      ? { [K in keyof T]: Jsonify<T[K]> }
      : JsonValue;

/** What downstream tasks receive of a function that returns `R`: awaited, through JSON, and null where it returns nothing. */
export type TaskValue<R> = Settled<Awaited<R>>;
type Settled<V> = V extends void ? null : Jsonify<V>;
