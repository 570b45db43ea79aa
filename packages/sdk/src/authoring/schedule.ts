import type { AssetSchedule, ExtraOfCondition } from './asset-condition.ts';
import type { Timetable } from './timetable.ts';

/**
 * What starts a dag on its own: null for nothing; cron text or a preset (`@hourly @daily @weekly @monthly @quarterly @yearly @once @continuous`) in the dag's
 * timezone; a timetable that `cron`, `crons`, `cronInterval`, `every`, `events` or `timetable` made; assets; or `assetOrTime`.
 *
 * @example
 * dag('nightly', { schedule: '0 3 * * *', timezone: 'Europe/Paris' }, define);
 * dag('offices', { schedule: cron('@daily', { timezone: 'Asia/Tokyo' }) }, define);
 * dag('report', { schedule: { any: [orders, customers] } }, define);
 */
export type Schedule = null | string | CronSchedule | Timetable | AssetSchedule | AssetOrTime;

/** A cron schedule in a timezone of its own. */
export interface CronSchedule {
  readonly cron: string;
  /** IANA name. @default the dag's timezone */
  readonly timezone?: string;
}

const ASSET_OR_TIME: unique symbol = Symbol.for('tradewind.asset-or-time.v1') as never;

/** A clock and assets, each of which starts runs. */
export interface AssetOrTime<out A extends AssetSchedule = AssetSchedule> {
  readonly [ASSET_OR_TIME]: true;
  readonly time: string | CronSchedule | Timetable;
  readonly assets: A;
}

/**
 * Runs by the clock, and for events of assets as well: two streams of runs that do not know of each other.
 *
 * @example
 * const hourlyOrNew = assetOrTime({ time: '@hourly', assets: { any: [orders] } });
 * export const report = dag('report', { schedule: hourlyOrNew }, (d) => {
 *   d.task('read', { run: (_, context) => context.events().length });
 * });
 */
export function assetOrTime<const A extends AssetSchedule>(schedule: {
  readonly time: string | CronSchedule | Timetable;
  readonly assets: A;
}): AssetOrTime<A> {
  return Object.freeze(Object.defineProperty({ ...schedule }, ASSET_OR_TIME, { value: true })) as AssetOrTime<A>;
}

/** Whether a value is what `assetOrTime` returned. */
export function isAssetOrTime(value: unknown): value is AssetOrTime {
  return typeof value === 'object' && value !== null && (value as { [ASSET_OR_TIME]?: true })[ASSET_OR_TIME] === true;
}

/** What the events that start a dag carry, given its schedule. */
export type ScheduledExtra<S> = S extends AssetOrTime<infer A> ? ExtraOfCondition<A> : S extends Timetable ? never : ExtraOfCondition<S>;
