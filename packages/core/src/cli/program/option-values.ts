import { InvalidArgumentError } from 'commander';

/** Reads an option that is a JSON object, such as the conf of a run. */
export function readJsonObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}. Take an object, such as '{"region": "eu"}'.`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new InvalidArgumentError(`Take a JSON object, such as '{"region": "eu"}'.`);
}

/** Reads an option that is a number of seconds above 0. */
export function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0 && seconds <= LONGEST_SECONDS) return seconds;
  throw new InvalidArgumentError('Take a number of seconds above 0.');
}

const LONGEST_SECONDS = 31_536_000;

/** Reads an option that is a whole number of at least 1. */
export function readCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Take a whole number of at least 1.');
}

/** Reads an option that is a whole number of at least 0, such as a map index. */
export function readIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Take a whole number of at least 0.');
}

/** Reads the slots of a pool: -1 for no limit. */
export function readSlots(text: string): number {
  if (/^(?:-1|\d{1,9})$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Take a whole number of at least 0, or -1 for no limit.');
}

/** Reads one `name=json` of an option that may be repeated. */
export function readJsonInput(text: string, earlier: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const [, name, json] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || json === undefined) throw new InvalidArgumentError(`Take a name and a value, such as 'rows=[1, 2]'.`);
  try {
    return { ...earlier, [name]: JSON.parse(json) as unknown };
  } catch (error) {
    throw new InvalidArgumentError(`The value of ${name} is not JSON: ${(error as Error).message}. Text needs quotes: '${name}="eu"'.`);
  }
}

/** Reads a list that is separated by commas, as Airflow takes it. */
export function readList(text: string): readonly string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > 0) return items;
  throw new InvalidArgumentError('Take at least one, separated by commas.');
}
