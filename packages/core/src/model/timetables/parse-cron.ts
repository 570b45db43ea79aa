/** A cron expression, read. Each list says of every value of its field whether it matches. */
export interface Cron {
  readonly seconds: readonly boolean[];
  readonly minutes: readonly boolean[];
  readonly hours: readonly boolean[];
  /** From 1. */
  readonly daysOfMonth: readonly boolean[];
  /** From 1. */
  readonly months: readonly boolean[];
  /** From Sunday, which is 0. */
  readonly daysOfWeek: readonly boolean[];
  /** Both day fields are restricted, so a day that matches either of them matches. */
  readonly isEitherDay: boolean;
  /**
   * The minute or the hour is written with `*` or a step: the cron means "every so often" and follows elapsed time where a clock changes.
   * Others mean times of day, each of which happens once a day.
   */
  readonly isInterval: boolean;
}

/** The cron, or why the text is none. */
export type ParsedCron = { readonly ok: true; readonly cron: Cron } | { readonly ok: false; readonly message: string };

const PRESETS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@quarterly': '0 0 1 */3 *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

interface Field {
  readonly title: string;
  readonly lowest: number;
  readonly highest: number;
  readonly names?: readonly string[];
}

const MONTH_NAMES = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const SUNDAY = 7;
const SECOND: Field = { title: 'second', lowest: 0, highest: 59 };
const MINUTE: Field = { title: 'minute', lowest: 0, highest: 59 };
const HOUR: Field = { title: 'hour', lowest: 0, highest: 23 };
const DAY_OF_MONTH: Field = { title: 'day of month', lowest: 1, highest: 31 };
const MONTH: Field = { title: 'month', lowest: 1, highest: 12, names: MONTH_NAMES };
const DAY_OF_WEEK: Field = { title: 'day of week', lowest: 0, highest: SUNDAY, names: DAY_NAMES };

const FIELD_TITLES = 'minute, hour, day of month, month, day of week';
const FEWEST_FIELDS = 5;
const MOST_FIELDS = 6;

/**
 * Reads a cron expression: five fields (minute, hour, day of month, month, day of week), or six with the second before them, of `*`, numbers, names (`mon`, `jan`),
 * ranges, steps and lists, or a preset such as `@daily`. Where both day fields are restricted, a day that matches either matches, as in Airflow.
 *
 * @returns a message that names the field and the text, where it cannot be read. Never throws.
 */
export function parseCron(expression: string): ParsedCron {
  const text = expression.trim().toLowerCase();
  const preset = Object.hasOwn(PRESETS, text) ? PRESETS[text] : undefined;
  if (preset === undefined && text.startsWith('@')) return refuse(expression, `is no preset; there are ${Object.keys(PRESETS).join(', ')}`);
  const fields = (preset ?? text).split(/\s+/);
  if (fields.length < FEWEST_FIELDS) return refuse(expression, `has fewer than the five fields ${FIELD_TITLES}`);
  if (fields.length > MOST_FIELDS) return refuse(expression, `has more than the six fields second, ${FIELD_TITLES}`);
  const cron = parseFields(fields.length === MOST_FIELDS ? fields : ['0', ...fields]);
  return typeof cron === 'string' ? refuse(expression, cron) : { ok: true, cron };
}

function refuse(expression: string, reason: string): ParsedCron {
  return { ok: false, message: `cron ${JSON.stringify(expression)}: ${reason}` };
}

/** The cron, or a text that says which field cannot be read; so do the functions below. */
function parseFields(texts: readonly string[]): Cron | string {
  const fields: (readonly boolean[])[] = [];
  for (const [index, field] of [SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK].entries()) {
    const values = parseField(field, texts[index] ?? '');
    if (typeof values === 'string') return values;
    fields.push(values);
  }
  const [seconds = [], minutes = [], hours = [], daysOfMonth = [], months = [], daysOfWeek = []] = fields;
  const [, minute = '', hour = '', dayOfMonth = '', , dayOfWeek = ''] = texts;
  return {
    seconds,
    minutes,
    hours,
    daysOfMonth,
    months,
    daysOfWeek: withSundayAsZero(daysOfWeek),
    isEitherDay: isRestricted(dayOfMonth) && isRestricted(dayOfWeek),
    isInterval: /[*/]/.test(minute + hour),
  };
}

function isRestricted(text: string): boolean {
  return text !== '*' && text !== '*/1';
}

function withSundayAsZero(days: readonly boolean[]): readonly boolean[] {
  return [days[0] === true || days[SUNDAY] === true, ...days.slice(1, SUNDAY)];
}

function parseField(field: Field, text: string): boolean[] | string {
  const values = Array<boolean>(field.highest + 1).fill(false);
  for (const item of text.split(',')) {
    const range = parseItem(field, item);
    if (typeof range === 'string') return range;
    for (let value = range.first; value <= range.last; value += range.step) values[value] = true;
  }
  return values;
}

interface SteppedRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** `*`, `5`, `5-10`, each perhaps with `/step`; `5/10` goes from 5 to the end. */
function parseItem(field: Field, item: string): SteppedRange | string {
  const groups = /^(?:(?<every>\*)|(?<from>[a-z0-9]+)(?:-(?<to>[a-z0-9]+))?)(?:\/(?<step>\d+))?$/.exec(item)?.groups;
  if (groups === undefined) return `${field.title} ${JSON.stringify(item)} cannot be read${hintFor(item)}`;
  const { every, from = '', to } = groups;
  const highest = field === DAY_OF_WEEK ? SUNDAY - 1 : field.highest;
  const step = Number(groups['step'] ?? 1);
  if (step < 1 || step > highest) return `${field.title} "${item}" has a step that is not between 1 and ${highest}`;
  if (every !== undefined) return { first: field.lowest, last: highest, step };
  const first = parseValue(field, from);
  if (typeof first === 'string') return first;
  const end = parseValue(field, to ?? from);
  if (typeof end === 'string') return end;
  const last = to === undefined && groups['step'] !== undefined ? highest : endOfWeek(field, first, end);
  return last < first ? `${field.title} "${item}" ends before it begins; write two ranges with a comma between` : { first, last, step };
}

/** In `sat-sun` and `5-0` Sunday ends the week. */
function endOfWeek(field: Field, first: number, last: number): number {
  return field === DAY_OF_WEEK && last === 0 && first > 0 ? SUNDAY : last;
}

function parseValue({ title, lowest, highest, names = [] }: Field, text: string): number | string {
  const named = names.indexOf(text);
  if (named !== -1) return named + lowest;
  const value = Number(text);
  if (/^\d{1,2}$/.test(text) && value >= lowest && value <= highest) return value;
  const reason = /^\d+$/.test(text) ? `is not between ${lowest} and ${highest}` : `is not a ${title}`;
  return `${title} ${JSON.stringify(text)} ${reason}${hintFor(text)}`;
}

function hintFor(text: string): string {
  return /[#?]|^(\d*[lw]+|l-\d+|h)$/.test(text) ? ' (L, W, #, ? and H of other crons are not supported)' : '';
}
