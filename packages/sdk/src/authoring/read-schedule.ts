import type { SerializedSchedule } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isAsset, type AnyAsset } from './asset.ts';
import { checkFields, findNearest } from './check-fields.ts';
import { showNames, showValue } from './show-value.ts';

/** Airflow's presets and what they stand for (timetables/_cron.py, `cron_presets`). */
const CRON_PRESETS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@quarterly': '0 0 1 */3 *',
  '@yearly': '0 0 1 1 *',
};
const CRON_FIELDS = 5;
/** The letters of a cron field: numbers, names of months and days, `* / , - ?`, and `#` and `L` as in `5#2` and `L`. */
const CRON_FIELD = /^[0-9A-Za-z*/,\-?#]+$/;
const MAX_CRON_LENGTH = 250;
const MAX_TIMEZONE_LENGTH = 100;

/** A schedule as data, and the assets that it names. */
export interface CheckedSchedule {
  readonly schedule: SerializedSchedule;
  readonly assets: readonly AnyAsset[];
}

/**
 * Reads what `schedule` was given. Presets become the cron text that they stand for. The shape of cron text is checked
 * here; whether its numbers are in range is for the environment's parser.
 * @throws DefinitionError naming the field
 */
export function readSchedule(where: string, value: unknown, timezone: string): CheckedSchedule {
  if (value === undefined || value === null) return { schedule: { kind: 'none' }, assets: [] };
  if (typeof value === 'string') return cronSchedule(readCron(where, 'schedule', value), timezone);
  if (isAsset(value)) return assetSchedule([value]);
  if (typeof value === 'object' && 'cron' in value) return readCronSchedule(where, value, timezone);
  if (typeof value === 'object' && 'any' in value) return assetSchedule(readAssets(where, value));
  throw new DefinitionError(
    where,
    `schedule is ${showValue(value)}; use null, cron text, { cron, timezone }, an asset, or { any: [asset, …] }`,
  );
}

/** A timezone that this machine knows. Throws a `DefinitionError` for any other. */
export function readTimezone(where: string, field: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_TIMEZONE_LENGTH && isTimezone(value)) return value;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; use an IANA name, such as 'Europe/Paris' or 'UTC'`);
}

function readCronSchedule(where: string, value: object, timezone: string): CheckedSchedule {
  const fields = checkFields(where, 'schedule', value, { cron: true, timezone: true });
  const own = fields.timezone === undefined ? timezone : readTimezone(where, 'schedule.timezone', fields.timezone);
  return cronSchedule(readCron(where, 'schedule.cron', fields.cron), own);
}

function readCron(where: string, field: string, value: unknown): string {
  if (typeof value !== 'string') throw new DefinitionError(where, `${field} must be cron text and not ${showValue(value)}`);
  const text = value.trim();
  if (text.startsWith('@')) return readPreset(where, field, text);
  const parts = text.split(/\s+/);
  if (parts.length !== CRON_FIELDS || text.length > MAX_CRON_LENGTH) {
    throw new DefinitionError(
      where,
      `${field} is ${showValue(value)}; cron text has five fields (minute, hour, day of month, month, day of week), such as '0 3 * * 1-5'`,
    );
  }
  const bad = parts.find((part) => !CRON_FIELD.test(part));
  if (bad !== undefined) throw new DefinitionError(where, `${field} is ${showValue(value)}; '${bad}' is not a cron field`);
  return parts.join(' ');
}

function readPreset(where: string, field: string, text: string): string {
  const expression = Object.hasOwn(CRON_PRESETS, text) ? CRON_PRESETS[text] : undefined;
  if (expression !== undefined) return expression;
  const presets = Object.keys(CRON_PRESETS);
  const nearest = findNearest(text, presets);
  const advice = nearest === undefined ? `the presets are ${showNames(presets)}` : `did you mean '${nearest}'?`;
  throw new DefinitionError(where, `${field} is ${showValue(text)}, which is no preset; ${advice}`);
}

function readAssets(where: string, value: object): readonly AnyAsset[] {
  const { any } = checkFields(where, 'schedule', value, { any: true });
  if (!Array.isArray(any) || any.length === 0) {
    throw new DefinitionError(where, `schedule.any is ${showValue(any)}; list at least one asset`);
  }
  return any.map((item: unknown, index) => {
    if (isAsset(item)) return item;
    throw new DefinitionError(where, `schedule.any[${index}] is ${showValue(item)}; list assets, as asset() returns them`);
  });
}

function cronSchedule(expression: string, timezone: string): CheckedSchedule {
  return { schedule: { kind: 'cron', expression, timezone }, assets: [] };
}

function assetSchedule(assets: readonly AnyAsset[]): CheckedSchedule {
  return { schedule: { kind: 'asset', any: [...new Set(assets.map(({ name }) => name))] }, assets };
}

function isTimezone(name: string): boolean {
  if (name === 'UTC') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
