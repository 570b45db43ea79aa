/**
 * What the task instances of a mapped task returned, in the order of their map indices; those that were skipped, and so returned nothing, are left out. A
 * list to be read from, and no array: many values lie in a file, and each is read when it is asked for. They can be read until the try has ended.
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

/** Where mapped values are read from: an array, or a file that holds more than anybody wants in memory. */
export interface ValueSource<out T> extends Iterable<T> {
  readonly length: number;
  /** As of an array. */
  at(index: number): T | undefined;
  slice(start?: number, end?: number): T[];
}

/** Lets a source be read as mapped values; whoever reads cannot change the source itself. */
export function createMappedValues<T>(source: ValueSource<T>): MappedValues<T> {
  return Object.freeze({
    get length() {
      return source.length;
    },
    at: (index: number) => source.at(index),
    map: <U>(change: (value: T, index: number) => U) => Array.from(source, change),
    filter(isKept: (value: T, index: number) => boolean) {
      const kept: T[] = [];
      let index = 0;
      for (const value of source) if (isKept(value, index++)) kept.push(value);
      return kept;
    },
    reduce<U>(combine: (sum: U, value: T, index: number) => U, start: U) {
      let sum = start;
      let index = 0;
      for (const value of source) sum = combine(sum, value, index++);
      return sum;
    },
    slice: (start?: number, end?: number) => source.slice(start, end),
    toArray: () => [...source],
    toJSON: () => [...source],
    [Symbol.iterator]: () => source[Symbol.iterator](),
  });
}
