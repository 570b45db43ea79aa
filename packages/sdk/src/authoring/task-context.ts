import type { JsonObject, JsonValue } from '@tradewind/protocol';
import type { Outlet } from './asset-lists.ts';
import type { AnyAssetAlias, AssetAlias, AssetRef } from './asset-reference.ts';
import type { AnyAsset, Asset, ExtraOf } from './asset.ts';
import type { EnvironmentAccess } from './environment-access.ts';
import type { Jsonify } from './task-value.ts';

/**
 * The second argument of a task's `run`: what the task may know about its run, and what it may do besides returning a value. It is an
 * argument and never ambient, so a task's function is tested by calling it.
 *
 * @example
 * d.task('load', { retries: 2, run: async (_, { params, log, tryNumber }) => {
 *   log.info('loading', { region: params.region, tryNumber });
 *   return await load(params.region);
 * } });
 */
export interface TaskContext<
  Params = JsonObject,
  Extra = JsonValue,
  Outlets extends readonly Outlet[] = readonly Outlet[],
> extends EnvironmentAccess {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  /** The position in a mapped task; -1 for a task that is not mapped. */
  readonly mapIndex: number;
  /** 1 for the first try. */
  readonly tryNumber: number;
  /** How many tries the task gets: its retries and one. */
  readonly maxTries: number;
  /** Null for runs without one, such as those that an asset event started. */
  readonly logicalDate: Temporal.Instant | null;
  /** What the run covers, `start` included and `end` not; null for runs without one. */
  readonly dataInterval: DataInterval | null;
  /** The moment the run was due. */
  readonly runAfter: Temporal.Instant;
  /** The run's params, checked against their schemas, defaults filled in. */
  readonly params: Params;
  /** What the operator was told, its templates rendered; empty for a task without an operator. */
  readonly fields: JsonObject;
  /** Aborts when the try is to end early: it was cancelled, it took too long, or the environment stops. */
  readonly signal: AbortSignal;
  /** Writes structured lines to the task's log. */
  readonly log: TaskLog;
  /**
   * Says what has changed of one of the task's outlets. The event leaves when the task succeeds, and not otherwise; each call is one event. An outlet that the task
   * says nothing about has one event, too, which carries `{}`. An alias takes `{ asset, extra }`: the asset is made where there is none of its name, and the same asset
   * with the same extra is one event.
   * Throws where the asset is not one of the task's `outlets` (fails the task without retry) or `extra` is not JSON (fails the try).
   * @param extra what consumers learn about the change; its top-level fields become params of the dags that it starts
   */
  emit<A extends Outlets[number]>(asset: A, extra: NoInfer<EmittedOf<A>>): void;
  /** The asset events that started the run, oldest first; empty for runs that something else started. */
  readonly events: () => readonly AssetEvent<Jsonify<Extra>>[];
  /** Those of the events that started the run which are of one asset, oldest first. */
  readonly triggeringAssetEvents: <EventExtra>(
    asset: Asset<EventExtra> | AssetRef<EventExtra>,
  ) => readonly AssetEvent<Jsonify<EventExtra>>[];
  /**
   * Asks the environment for events of one of the task's `inlets`, oldest first. Fails the task without retry where the asset is none of them.
   * @throws RequestError where the environment cannot answer
   *
   * @example
   * const [latest] = await context.inletEvents(orders, { limit: 1, newestFirst: true });
   */
  readonly inletEvents: <EventExtra>(
    asset: Asset<EventExtra> | AssetRef<EventExtra>,
    options?: InletEventsOptions,
  ) => Promise<readonly AssetEvent<Jsonify<EventExtra>>[]>;
  /** Ends the try and leaves the task skipped. Throws `SkipTask`, so write `return context.skip(…)` where the compiler wants it. */
  readonly skip: (reason: string) => never;
  /** Fails the task without a further try. Throws `FailTask`. */
  readonly fail: (message: string) => never;
}

/** What `emit` takes for an outlet. */
export type EmittedOf<A> =
  A extends AssetAlias<infer Extra> ? { readonly asset: AnyAsset; readonly extra?: Extra } : A extends AnyAssetAlias ? never : ExtraOf<A>;

/** Which events of an inlet are read. */
export interface InletEventsOptions {
  /** Only events later than this. */
  readonly after?: Temporal.Instant | string;
  /** Only events earlier than this. */
  readonly before?: Temporal.Instant | string;
  /** The most that are read, up to 1,000. @default 100 */
  readonly limit?: number;
  /** The newest first, instead of the oldest. @default false */
  readonly newestFirst?: boolean;
}

/** A span of time: `start` belongs to it, `end` does not. */
export interface DataInterval {
  readonly start: Temporal.Instant;
  readonly end: Temporal.Instant;
}

/** An asset event as a task of the run that it started sees it. */
export interface AssetEvent<Extra = JsonValue> {
  readonly assetName: string;
  readonly timestamp: Temporal.Instant;
  readonly extra: Extra;
  /** Identity of the message that carried it, where it came from another environment. */
  readonly source?: { readonly id: string; readonly source: string; readonly type: string };
}

/** A task's structured log. Fields that JSON cannot carry are written as text. */
export interface TaskLog {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** Facts beside a log message. */
export type LogFields = Readonly<Record<string, unknown>>;
