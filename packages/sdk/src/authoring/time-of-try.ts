/** Where a context keeps the time that its try takes place in, for operators of this package. Registered, because a dag file may mix two copies of it. */
export const TIME: unique symbol = Symbol.for('tradewind.time.v1') as never;

/** Epoch milliseconds of a try's now: the machine's, but in a test environment. */
export function timeOfTry(context: unknown): number {
  return (context as { readonly [TIME]?: () => number })[TIME]?.() ?? Date.now();
}
