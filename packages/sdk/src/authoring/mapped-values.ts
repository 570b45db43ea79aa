/**
 * What the task instances of a mapped task returned, in the order of their map indices; those that were skipped, and so returned nothing, are left out. A
 * list to be read from, and no array: how many values there are and where they are kept is the environment's business.
 *
 * @example
 * const sizes = d.mappedTask('size', { expand: { file: files }, run: ({ file }) => statSync(file).size });
 * d.task('total', { inputs: { sizes }, run: ({ sizes }) => sizes.reduce((sum, size) => sum + size, 0) });
 */
export interface MappedValues<out T> extends Iterable<T> {
  readonly length: number;
  /** The value at a position, from the end where it is negative; undefined beyond the ends. */
  at(index: number): T | undefined;
  map<U>(change: (value: T, index: number) => U): U[];
  filter(isKept: (value: T, index: number) => boolean): T[];
  reduce<U>(combine: (sum: U, value: T, index: number) => U, start: U): U;
  /** Positions as for an array: `end` is not included. */
  slice(start?: number, end?: number): T[];
  /** All values at once. */
  toArray(): T[];
  /** The same, so that JSON text of the values is that of a list. */
  toJSON(): readonly T[];
}

/** Lets a list be read as mapped values; whoever reads cannot change the list itself. */
export function createMappedValues<T>(values: readonly T[]): MappedValues<T> {
  return Object.freeze({
    length: values.length,
    at: (index: number) => values.at(index),
    map: <U>(change: (value: T, index: number) => U) => values.map((value, index) => change(value, index)),
    filter: (isKept: (value: T, index: number) => boolean) => values.filter((value, index) => isKept(value, index)),
    reduce: <U>(combine: (sum: U, value: T, index: number) => U, start: U) =>
      values.reduce((sum, value, index) => combine(sum, value, index), start),
    slice: (start?: number, end?: number) => values.slice(start, end),
    toArray: () => [...values],
    toJSON: () => values,
    [Symbol.iterator]: () => values[Symbol.iterator](),
  });
}
