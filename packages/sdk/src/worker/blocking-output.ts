/** What Node keeps underneath a stream and has no public name for. */
interface StreamWithHandle {
  readonly _handle?: { setBlocking?(isBlocking: boolean): void };
}

/**
 * Has standard output and error written before `console.log` returns, also when the pipe is full. Node would queue what does not fit, and what
 * is queued is lost when the process ends, and comes after the mark that says whose output it is.
 */
export function makeOutputBlocking(): void {
  for (const stream of [process.stdout, process.stderr] as StreamWithHandle[]) stream._handle?.setBlocking?.(true);
}
