import type { EnvironmentConfig } from '../../platform/config.ts';

/** A question to the API of an environment. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** With its query: `/api/v2/dags?limit=100`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** An environment that answers: one that runs, or its store, opened by this process. The answers are the same, because the API gives both. */
export interface EnvironmentSession {
  readonly config: EnvironmentConfig;
  /** Where the environment answers; undefined where it does not run. */
  readonly address: string | undefined;
  /**
   * Asks the API.
   * @returns the parsed body; undefined where the answer has none
   * @throws TradewindError with the code of the API's refusal
   */
  readonly ask: (call: ApiCall) => Promise<unknown>;
  /** To be called in the end. Idempotent. */
  close(): Promise<void>;
}
