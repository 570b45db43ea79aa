import type { SerializedSchedule, SerializedTimetable } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isAssetSchedule, readAssetSchedule } from './asset-condition.ts';
import type { AnyAsset } from './asset.ts';
import { checkFields } from './check-fields.ts';
import { readCronText } from './read-cron-text.ts';
import { readTimezone } from './read-timezone.ts';
import { isAssetOrTime } from './schedule.ts';
import { showValue } from './show-value.ts';
import { isTimetable, type Timetable, type TimetableCode } from './timetable.ts';

/** A schedule as data, the assets that it names, and the code of a timetable of the author's own. */
export interface CheckedSchedule {
  readonly schedule: SerializedSchedule;
  readonly assets: readonly AnyAsset[];
  readonly timetable?: TimetableCode;
}

/**
 * Reads what `schedule` was given. Presets become the cron text that they stand for.
 * @throws DefinitionError naming the field
 */
export function readSchedule(where: string, value: unknown, timezone: string): CheckedSchedule {
  if (value === undefined || value === null) return { schedule: { kind: 'none' }, assets: [] };
  const clock = readClock(where, 'schedule', { value, timezone });
  if (clock !== undefined) return { schedule: clock.spec, assets: [], ...codeOf(clock) };
  if (isAssetOrTime(value)) return readAssetOrTime(where, value, timezone);
  if (isAssetSchedule(value)) return readAssetSchedule(where, value);
  throw new DefinitionError(
    where,
    `schedule is ${showValue(value)}; use null, cron text, { cron, timezone }, a timetable such as every({ hours: 2 }), an asset, ` +
      'or { any: [asset, …] }',
  );
}

interface Clock {
  readonly spec: SerializedTimetable;
  readonly code?: TimetableCode;
}

/** What follows a clock; undefined for anything else. */
function readClock(
  where: string,
  field: string,
  { value, timezone }: { readonly value: unknown; readonly timezone: string },
): Clock | undefined {
  if (value === '@once') return { spec: { kind: 'once' } };
  if (value === '@continuous') return { spec: { kind: 'continuous' } };
  if (typeof value === 'string') return { spec: { kind: 'cron', expression: readCronText(where, field, value), timezone } };
  if (isTimetable(value)) return place(value, timezone);
  if (typeof value !== 'object' || value === null || !('cron' in value)) return undefined;
  const fields = checkFields(where, field, value, { cron: true, timezone: true });
  const own = fields.timezone === undefined ? timezone : readTimezone(where, `${field}.timezone`, fields.timezone);
  return { spec: { kind: 'cron', expression: readCronText(where, `${field}.cron`, fields.cron), timezone: own } };
}

/** Gives a timetable the dag's timezone where it has none of its own. */
function place({ spec, code }: Timetable, timezone: string): Clock {
  const own = code === undefined ? {} : { code };
  const isCron = spec.kind === 'cron' || spec.kind === 'crons' || spec.kind === 'cron_interval';
  return { spec: isCron ? { ...spec, timezone: spec.timezone ?? timezone } : spec, ...own };
}

function readAssetOrTime(where: string, value: object, timezone: string): CheckedSchedule {
  const { time, assets } = checkFields(where, 'assetOrTime()', value, { time: true, assets: true });
  const clock = readClock(where, 'schedule.time', { value: time, timezone });
  if (clock === undefined) {
    throw new DefinitionError(
      where,
      `schedule.time is ${showValue(time)}; use cron text, a preset, or a timetable such as every({ hours: 2 })`,
    );
  }
  if (!isAssetSchedule(assets)) {
    throw new DefinitionError(where, `schedule.assets is ${showValue(assets)}; use an asset, a list of them, or { any: [asset, …] }`);
  }
  const read = readAssetSchedule(where, assets);
  return { schedule: { kind: 'asset_or_time', time: clock.spec, assets: read.schedule }, assets: read.assets, ...codeOf(clock) };
}

function codeOf({ code }: Clock): { readonly timetable?: TimetableCode } {
  return code === undefined ? {} : { timetable: code };
}
