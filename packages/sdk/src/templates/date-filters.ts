/**
 * Airflow's filters and macros for dates. Each takes an instant in ISO 8601, or a day, and reads it in UTC.
 */
export const dateFilters = {
  ds: (value: unknown): string => writeDay(value),
  ds_nodash: (value: unknown): string => writeDay(value).replaceAll('-', ''),
  ts: (value: unknown): string => writeInstant(value),
  ts_nodash: (value: unknown): string => withoutDashes(writeInstant(value)).slice(0, 15),
  ts_nodash_with_tz: (value: unknown): string => withoutDashes(writeInstant(value)),
  /** Airflow's `macros.ds_add(ds, days)`. */
  ds_add: (value: unknown, days: unknown): string =>
    readDay(value)
      .add({ days: wholeNumber(days) })
      .toString(),
  /** Airflow's `macros.ds_format(ds, input_format, output_format)`, with the letters of `strftime`. */
  ds_format: (value: unknown, from: unknown, to: unknown): string => formatDay(parseDay(String(value), String(from)), String(to)),
  /** Airflow's `macros.datetime_diff_for_humans(dt, since)`. */
  datetime_diff_for_humans: (value: unknown, since?: unknown): string => describeDifference(value, since),
} as const;

/** An instant as Airflow writes it: `2026-11-21T00:00:00+00:00`, with microseconds where there are any. */
export function writeInstant(value: unknown): string {
  const text = readInstant(value).toString({ smallestUnit: 'microsecond' });
  return text.replace(/(?:\.000000)?Z$/, (end) => `${end.startsWith('.000000') ? '' : end.slice(0, -1)}+00:00`);
}

function writeDay(value: unknown): string {
  return readInstant(value).toZonedDateTimeISO('UTC').toPlainDate().toString();
}

function readInstant(value: unknown): Temporal.Instant {
  const text = String(value);
  try {
    return /^\d{4}-\d{2}-\d{2}$/.test(text) ? Temporal.Instant.from(`${text}T00:00Z`) : Temporal.Instant.from(text);
  } catch {
    throw new Error(`${JSON.stringify(text)} is no instant, such as 2026-11-21T00:00:00Z`);
  }
}

function readDay(value: unknown): Temporal.PlainDate {
  return readInstant(value).toZonedDateTimeISO('UTC').toPlainDate();
}

function withoutDashes(instant: string): string {
  const [date = '', time = ''] = instant.split('T');
  const [clock = '', fraction = ''] = time.replace('+00:00', '').split('.');
  return `${date.replaceAll('-', '')}T${clock.replaceAll(':', '')}${fraction === '' ? '' : `.${fraction}`}+0000`;
}

function wholeNumber(value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number)) return number;
  throw new Error(`${JSON.stringify(value)} is no whole number of days`);
}

/** The letters of `strftime` that stand for a part of a day. */
const PATTERNS: Readonly<Record<string, { readonly pattern: string; readonly write: (day: Temporal.PlainDate) => string }>> = {
  Y: { pattern: '(?<Y>\\d{4})', write: ({ year }) => String(year).padStart(4, '0') },
  y: { pattern: '(?<y>\\d{2})', write: ({ year }) => String(year % 100).padStart(2, '0') },
  m: { pattern: '(?<m>\\d{1,2})', write: ({ month }) => String(month).padStart(2, '0') },
  d: { pattern: '(?<d>\\d{1,2})', write: ({ day }) => String(day).padStart(2, '0') },
  j: { pattern: '(?<j>\\d{1,3})', write: ({ dayOfYear }) => String(dayOfYear).padStart(3, '0') },
  b: { pattern: '(?<b>[A-Za-z]{3})', write: (day) => day.toLocaleString('en-US', { month: 'short' }) },
  B: { pattern: '(?<B>[A-Za-z]+)', write: (day) => day.toLocaleString('en-US', { month: 'long' }) },
  a: { pattern: '[A-Za-z]{3}', write: (day) => day.toLocaleString('en-US', { weekday: 'short' }) },
  A: { pattern: '[A-Za-z]+', write: (day) => day.toLocaleString('en-US', { weekday: 'long' }) },
  '%': { pattern: '%', write: () => '%' },
};

function parseDay(text: string, format: string): Temporal.PlainDate {
  const pattern = format.replaceAll(/%(.)|[\\^$.*+?()[\]{}|]/g, (part, letter: string | undefined) =>
    letter === undefined ? `\\${part}` : letterOf(letter).pattern,
  );
  const parts = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (parts === undefined) throw new Error(`${JSON.stringify(text)} is no day in the format ${format}`);
  const year = parts['Y'] === undefined ? 2_000 + Number(parts['y'] ?? 0) : Number(parts['Y']);
  if (parts['j'] !== undefined) return Temporal.PlainDate.from({ year, month: 1, day: 1 }).add({ days: Number(parts['j']) - 1 });
  const month = parts['m'] === undefined ? monthOf(parts['b'] ?? parts['B']) : Number(parts['m']);
  return Temporal.PlainDate.from({ year, month, day: Number(parts['d'] ?? 1) }, { overflow: 'reject' });
}

function formatDay(day: Temporal.PlainDate, format: string): string {
  return format.replaceAll(/%(.)/g, (_, letter: string) => letterOf(letter).write(day));
}

function letterOf(letter: string) {
  const found = PATTERNS[letter];
  if (found !== undefined) return found;
  throw new Error(
    `%${letter} is not known in a format of days; known are ${Object.keys(PATTERNS)
      .map((known) => `%${known}`)
      .join(' ')}`,
  );
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function monthOf(name: string | undefined): number {
  return name === undefined ? 1 : MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
}

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

function describeDifference(value: unknown, since: unknown): string {
  const reference = since === undefined ? Temporal.Now.instant() : readInstant(since);
  const seconds = Math.round((readInstant(value).epochMilliseconds - reference.epochMilliseconds) / 1_000);
  const [unit, length] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ['second', 1];
  const count = Math.floor(Math.abs(seconds) / length);
  const amount = `${count} ${unit}${count === 1 ? '' : 's'}`;
  if (since === undefined) return seconds > 0 ? `in ${amount}` : `${amount} ago`;
  return `${amount} ${seconds > 0 ? 'after' : 'before'}`;
}
