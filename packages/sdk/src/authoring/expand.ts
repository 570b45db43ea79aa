import type { JsonObject, JsonValue } from '@tradewind/protocol';
import type { MappedValues } from './mapped-values.ts';
import type { ExpandedRef, TaskRef } from './task-ref.ts';

declare const ELEMENT: unique symbol;

/** Marks lists made of lists, and lists of argument sets: see `TASK_REF`. */
const MAP_LIST: unique symbol = Symbol.for('tradewind.map-list.v1') as never;
const ARGUMENT_SETS: unique symbol = Symbol.for('tradewind.argument-sets.v1') as never;

/**
 * A list to map over: what a task returned (a list, a record, or the values of a mapped task), a literal, or what `zip` and `concat` make of these. A record
 * is a list of its `[key, value]` pairs.
 */
export type MapList = TaskRef<object> | CombinedList<unknown> | readonly JsonValue[] | JsonObject;

/** Lists side by side, or one after the other; made by `zip` and `concat`. */
export interface CombinedList<out T> {
  readonly kind: 'zip' | 'concat';
  readonly of: readonly MapList[];
  readonly fillValue?: JsonValue;
  /** Exists for the compiler alone. */
  readonly [ELEMENT]: T;
}

/** A list whose elements are objects, each the inputs of one task instance; made by `sets`. */
export interface ArgumentSets<out T> {
  readonly list: MapList;
  /** Exists for the compiler alone. */
  readonly [ELEMENT]: T;
}

/** What `expand` takes: lists by the name of an input (their cross product), or `sets(list)`. */
export type Expand = { readonly [name: string]: MapList } | ArgumentSets<object>;

/** What one element of a list is. */
export type ElementOf<L> = L extends TaskRef<infer V> ? ElementOfValue<V> : L extends CombinedList<infer T> ? T : ElementOfValue<L>;

type ElementOfValue<V> =
  V extends MappedValues<infer T>
    ? T
    : V extends readonly (infer T)[]
      ? T
      : V extends object
        ? readonly [key: keyof V & string, value: V[keyof V]]
        : never;

/** What an expansion gives to one task instance, by name. */
export type Expanded<E> = E extends ArgumentSets<infer T> ? T : { readonly [Name in keyof E]: ElementOf<E[Name]> };

/** What an expansion gives to the tasks of a mapped group, by name, to be named in their inputs. */
export type ExpandedRefs<E> =
  E extends ArgumentSets<infer T>
    ? { readonly [Name in keyof T]: ExpandedRef<T[Name]> }
    : { readonly [Name in keyof E]: ExpandedRef<ElementOf<E[Name]>> };

type Elements<L extends readonly MapList[]> = { readonly [Index in keyof L]: ElementOf<L[Index]> };
type ElementsOr<L extends readonly MapList[], F> = { readonly [Index in keyof L]: ElementOf<L[Index]> | F };

/**
 * Lists side by side: the first elements together, then the second ones. Ends with the shortest list; with a `fillValue`, with the longest.
 *
 * @example
 * const files = d.task('files', { run: () => ['a.csv', 'b.csv'] });
 * const tables = d.task('tables', { run: () => ['orders', 'customers'] });
 * d.mappedTask('load', { expand: { pair: zip([files, tables]) }, run: ({ pair: [file, table] }) => load(file, table) });
 */
export function zip<const L extends readonly MapList[]>(lists: L): CombinedList<Elements<L>>;
export function zip<const L extends readonly MapList[], const F extends JsonValue>(
  lists: L,
  options: { readonly fillValue: F },
): CombinedList<ElementsOr<L, F>>;
export function zip(lists: readonly MapList[], options: { readonly fillValue?: JsonValue } = {}): CombinedList<never> {
  return combine({ kind: 'zip', of: lists, ...options });
}

/**
 * Lists one after the other.
 *
 * @example
 * d.mappedTask('parse', { expand: { file: concat([newFiles, ['fixed.csv']]) }, run: ({ file }) => parse(file) });
 */
export function concat<const L extends readonly MapList[]>(lists: L): CombinedList<ElementOf<L[number]>> {
  return combine({ kind: 'concat', of: lists });
}

/**
 * A list of argument sets: each element is an object, and its fields are the inputs of one task instance.
 *
 * @example
 * const copies = d.task('plan', { run: () => [{ from: 'a', to: 'x' }, { from: 'b', to: 'y' }] });
 * d.mappedTask('copy', { expand: sets(copies), run: ({ from, to }) => copy(from, to) });
 */
export function sets<const L extends MapList>(list: L): ArgumentSets<ElementOf<L> & object> {
  return Object.freeze({ list, [ARGUMENT_SETS]: true }) as unknown as ArgumentSets<ElementOf<L> & object>;
}

/** Whether a value was made by `zip` or `concat`. */
export function isCombinedList(value: unknown): value is CombinedList<unknown> {
  return typeof value === 'object' && value !== null && (value as { [MAP_LIST]?: true })[MAP_LIST] === true;
}

/** Whether a value was made by `sets`. */
export function isArgumentSets(value: unknown): value is ArgumentSets<object> {
  return typeof value === 'object' && value !== null && (value as { [ARGUMENT_SETS]?: true })[ARGUMENT_SETS] === true;
}

function combine(list: object): CombinedList<never> {
  return Object.freeze({ ...list, [MAP_LIST]: true }) as unknown as CombinedList<never>;
}
