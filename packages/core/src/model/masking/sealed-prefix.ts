/** Begins a text of a task's value that holds a secret: the rest is the sealed JSON of what stood there. */
export const SEALED_PREFIX = 'tradewind:sealed:';
