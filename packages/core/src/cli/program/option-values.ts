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
