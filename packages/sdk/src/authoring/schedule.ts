import type { AnyAsset, ExtraOf } from './asset.ts';

/**
 * What starts a dag on its own: null for nothing, cron text or a preset (`@hourly @daily @weekly @monthly @quarterly @yearly`) in the
 * dag's timezone, cron in a timezone of its own, an asset, or any of several assets (each event starts one run).
 *
 * @example
 * dag('nightly', { schedule: '0 3 * * *', timezone: 'Europe/Paris' }, define);
 * dag('offices', { schedule: { cron: '@daily', timezone: 'Asia/Tokyo' } }, define);
 * dag('report', { schedule: { any: [orders, customers] } }, define);
 */
export type Schedule = null | string | CronSchedule | AnyAsset | AssetSchedule;

/** A cron schedule in a timezone of its own. */
export interface CronSchedule {
  readonly cron: string;
  /** IANA name. @default the dag's timezone */
  readonly timezone?: string;
}

/** Starts a run for each event of any of the assets. */
export interface AssetSchedule {
  readonly any: readonly AnyAsset[];
}

/** What the events that start a dag carry, given its schedule. */
export type ScheduledExtra<S> = S extends AnyAsset ? ExtraOf<S> : S extends { readonly any: readonly (infer A)[] } ? ExtraOf<A> : never;
