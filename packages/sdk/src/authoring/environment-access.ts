import type { JsonObject, JsonValue } from '@tradewind/protocol';

/**
 * What a task may ask its environment for while it runs. Each is a question over the task's channel: nothing of it is in the process's environment
 * variables. A task gets the variables and connections that it declares (`variables`, `connections`), and those that the environment allows every task.
 */
export interface EnvironmentAccess {
  /**
   * Reads a variable: from the secrets backend, else from the environment's own variables (`AIRFLOW_VAR_<KEY>`), else from the database.
   * Rejects with a `RequestError` where there is none and no default, or the task may not have it.
   *
   * @example
   * d.task('load', { variables: ['region', 'limits'], run: async (_, context) => {
   *   const region = await context.variable('region', { default: 'eu' });
   *   const limits = await context.variable('limits', { json: true, parse: limitsSchema.parse });
   *   return load(region, limits.rows);
   * } });
   */
  variable: ReadVariable;
  /**
   * Reads a connection, from the same places as a variable (`AIRFLOW_CONN_<ID>`). What is secret in it is masked in the task's log from here on.
   * Rejects with a `RequestError` where there is none, or the task may not have it.
   *
   * @example
   * d.task('copy', { connections: ['warehouse'], run: async (_, context) => {
   *   const { host, port, login, password, schema } = await context.connection('warehouse');
   *   return copy({ host, port, user: login, password, database: schema });
   * } });
   */
  connection(connId: string): Promise<Connection>;
  /** Values that tasks of this dag pass on beside what they return. */
  readonly xcom: XComAccess;
  /**
   * Has the environment mask texts in this task's log, and in everything that it shows from here on. Wait for it before you print anything.
   *
   * @example
   * d.task('log_in', { run: async (_, context) => {
   *   const session = await openSession();
   *   await context.mask(session.token);
   *   return session.id;
   * } });
   */
  mask(...values: readonly string[]): Promise<void>;
}

/** `context.variable` in its forms: as text, or as JSON, which `parse` gives a type. */
export interface ReadVariable {
  (key: string): Promise<string>;
  <Default>(key: string, options: { readonly default: Default; readonly json?: false }): Promise<string | Default>;
  <T>(key: string, options: { readonly json: true; readonly parse: (value: JsonValue) => T; readonly default?: NoInfer<T> }): Promise<T>;
  <Default extends JsonValue = never>(
    key: string,
    options: { readonly json: true; readonly default?: Default },
  ): Promise<JsonValue | Default>;
}

/** A connection, as `context.connection` gives it. What it does not have is null. */
export interface Connection {
  readonly connId: string;
  readonly connType: string;
  readonly host: string | null;
  /** Airflow's word for a database's name; some connections keep another thing here. */
  readonly schema: string | null;
  readonly login: string | null;
  readonly password: string | null;
  readonly port: number | null;
  readonly extra: JsonObject;
}

/** Values under other keys than the one of what a task returns. */
export interface XComAccess {
  /**
   * Reads a value that a task of this dag pushed, in this run unless told otherwise; undefined, or the default, where there is none. Without `mapIndex`
   * a mapped task gives the list of its values, in order.
   *
   * @example
   * d.task('report', { after: [load], run: async (_, context) => {
   *   const rejected = await context.xcom.pull({ taskId: 'load', key: 'rejected', default: 0 });
   *   context.log.info('rejected rows', { rejected });
   * } });
   */
  pull<Default = undefined>(where: XComPlace & { readonly default?: Default }): Promise<JsonValue | Default>;
  /**
   * Pushes a value at once, also where the task fails afterwards; the next try begins without it. Rejects with a `BadValueError` for what is not JSON.
   *
   * @example
   * d.task('load', { run: async (_, context) => {
   *   const { rows, rejected } = await load();
   *   await context.xcom.push('rejected', rejected);
   *   return rows;
   * } });
   */
  push(key: string, value: unknown): Promise<void>;
}

/** Which value `xcom.pull` reads. */
export interface XComPlace {
  /** @default the task itself */
  readonly taskId?: string;
  /** @default 'return_value' */
  readonly key?: string;
  /** @default all, of a mapped task; -1 otherwise */
  readonly mapIndex?: number;
  /** @default the run of the task */
  readonly runId?: string;
  /** Takes the newest value of this run and the ones before it. @default false */
  readonly includePriorDates?: boolean;
}
