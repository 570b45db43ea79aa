import { DefinitionError } from '../errors.ts';
import { findNearest } from './check-fields.ts';
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
/** The presets that are no crons. */
const OTHER_PRESETS = ['@once', '@continuous'] as const;

const FEWEST_FIELDS = 5;
const MOST_FIELDS = 6;
/** The letters of a cron field: numbers, names of months and days, `* / , - ?`, and `#` and `L` as in `5#2` and `L`. */
const CRON_FIELD = /^[0-9A-Za-z*/,\-?#]+$/;
const MAX_CRON_LENGTH = 250;

/**
 * Reads cron text; presets become the text that they stand for. Its shape is checked here; whether its numbers are in range is for the environment's parser.
 * @throws DefinitionError naming the field
 */
export function readCronText(where: string, field: string, value: unknown): string {
  if (typeof value !== 'string') throw new DefinitionError(where, `${field} must be cron text and not ${showValue(value)}`);
  const text = value.trim();
  if (text.startsWith('@')) return readPreset(where, field, text);
  const parts = text.split(/\s+/);
  if (parts.length < FEWEST_FIELDS || parts.length > MOST_FIELDS || text.length > MAX_CRON_LENGTH) {
    throw new DefinitionError(
      where,
      `${field} is ${showValue(value)}; cron text has five fields (minute, hour, day of month, month, day of week), such as '0 3 * * 1-5', ` +
        'or six with the second first',
    );
  }
  const bad = parts.find((part) => !CRON_FIELD.test(part));
  if (bad !== undefined) throw new DefinitionError(where, `${field} is ${showValue(value)}; '${bad}' is not a cron field`);
  return parts.join(' ');
}

function readPreset(where: string, field: string, text: string): string {
  const expression = Object.hasOwn(CRON_PRESETS, text) ? CRON_PRESETS[text] : undefined;
  if (expression !== undefined) return expression;
  if ((OTHER_PRESETS as readonly string[]).includes(text)) {
    throw new DefinitionError(where, `${field} is ${showValue(text)}, which is no cron; use schedule: '${text}'`);
  }
  const presets = [...Object.keys(CRON_PRESETS), ...OTHER_PRESETS];
  const nearest = findNearest(text, presets);
  const advice = nearest === undefined ? `the presets are ${showNames(presets)}` : `did you mean '${nearest}'?`;
  throw new DefinitionError(where, `${field} is ${showValue(text)}, which is no preset; ${advice}`);
}
