import { Worker } from 'node:worker_threads';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { messageOf, TradewindError } from '../platform/errors.ts';

/** Reader → thread. */
export interface ReadRequest {
  readonly id: number;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Thread → reader. */
export type ReadReply = { readonly id: number; readonly rows: unknown[] } | { readonly id: number; readonly error: string };

/**
 * A Kysely dialect whose queries run on a read-only connection in a thread, so that a page with a large table never delays the
 * scheduler. The thread starts with the first query and ends with `destroy`.
 */
export function createReadThread(file: string): Dialect {
  const driver = new ReadThreadDriver(file);
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Owns the thread. States: absent → running (first query) → ended (destroy, or a crash: the next query starts another). */
class ReadThreadDriver implements Driver {
  readonly #file: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown[]>>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {}

  // eslint-disable-next-line typescript/require-await
  async acquireConnection(): Promise<DatabaseConnection> {
    return {
      executeQuery: async <Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> => ({
        rows: (await this.#ask(sql, parameters)) as Row[],
      }),
      streamQuery() {
        throw new TradewindError('internal', 'the read connection does not stream; page through the rows');
      },
    };
  }

  async beginTransaction(): Promise<void> {}
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(text: string, values: readonly unknown[]): Promise<unknown[]> {
    const worker = (this.#worker ??= this.#start());
    const reply = Promise.withResolvers<unknown[]>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, reply);
    worker.ref();
    worker.postMessage({ id: this.#lastId, text, values } satisfies ReadRequest);
    return reply.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./read-thread-main.ts', import.meta.url), {
      workerData: { file: this.#file },
      // The flags of the process are for its own program; some of them a thread refuses.
      execArgv: [],
    });
    worker.on('message', (message: ReadReply) => {
      const reply = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (this.#waiting.size === 0) worker.unref();
      if ('rows' in message) reply?.resolve(message.rows);
      else reply?.reject(new TradewindError('database_unavailable', `a read of ${this.#file} failed: ${message.error}`));
    });
    worker.on('error', (cause) => {
      this.#fail(
        worker,
        new TradewindError('database_unavailable', `the thread that reads ${this.#file} ended: ${messageOf(cause)}`, { cause }),
      );
    });
    worker.on('exit', () => {
      this.#fail(worker, new TradewindError('database_unavailable', `the thread that reads ${this.#file} ended`));
    });
    worker.unref();
    return worker;
  }

  #fail(worker: Worker, error: TradewindError): void {
    // A crash is reported twice, as error and as exit; by the second time another thread may be at work.
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const reply of this.#waiting.values()) reply.reject(error);
    this.#waiting.clear();
  }
}
