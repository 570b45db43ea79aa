/** The wish of whoever started this process that it end: Ctrl-C, `kill`, a closed terminal. */
export interface Interruption {
  /** Aborts with the first of them. */
  readonly signal: AbortSignal;
  /** Resolves then. */
  readonly received: Promise<void>;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Begins to listen. From here on the signals no longer end the process by themselves, so whoever calls this must. */
export function listenForInterruption(): Interruption {
  const abort = new AbortController();
  const received = Promise.withResolvers<void>();
  for (const name of SIGNALS) {
    process.on(name, () => {
      abort.abort();
      received.resolve();
    });
  }
  return { signal: abort.signal, received: received.promise };
}
