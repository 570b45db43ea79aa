import { z } from 'zod';
import { TradewindError } from '../platform/errors.ts';
import type { OrderBy, Page, Range, Sortable } from '../store/reads/query-parts.ts';
import { parseInstant } from './instants.ts';
import { problemOf } from './request-problems.ts';

/** Airflow's `fallback_page_limit` and `maximum_page_limit`. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** Airflow's SortParam takes no more. */
const MAX_ORDER_CRITERIA = 10;

const YES = new Set(['true', '1', 'yes', 'y', 'on', 't']);
const NO = new Set(['false', '0', 'no', 'n', 'off', 'f']);

/** Text that both databases can hold: PostgreSQL has no NUL. */
export const text = z
  .string()
  .refine((value) => !value.includes('\0'), problemOf('string_type', 'Input should not contain a NUL character'));

/** The largest value of PostgreSQL's type integer; a larger one matches no row and would be an error there. */
const MAX_INTEGER = 2_147_483_647;

/** An integer in a path or query. */
export function integer({ minimum = -MAX_INTEGER }: { readonly minimum?: number } = {}) {
  return z.string().transform((given, context) => {
    if (!/^[+-]?\d{1,15}$/.test(given)) {
      context.addIssue({
        code: 'custom',
        ...problemOf('int_parsing', 'Input should be a valid integer, unable to parse string as an integer'),
      });
      return z.NEVER;
    }
    const value = Number(given);
    if (value >= minimum && value <= MAX_INTEGER) return value;
    const [type, words, bound] = value < minimum ? ['greater_than_equal', 'greater', minimum] : ['less_than_equal', 'less', MAX_INTEGER];
    context.addIssue({ code: 'custom', ...problemOf(type, `Input should be ${words} than or equal to ${bound}`) });
    return z.NEVER;
  });
}

/** A number in a query. */
export const number = z.string().transform((given, context) => {
  const value = Number(given);
  if (given.trim() !== '' && Number.isFinite(value)) return value;
  context.addIssue({ code: 'custom', ...problemOf('float_parsing', 'Input should be a valid number, unable to parse string as a number') });
  return z.NEVER;
});

const boolean = z.string().transform((given, context) => {
  const lower = given.toLowerCase();
  if (YES.has(lower)) return true;
  if (NO.has(lower)) return false;
  context.addIssue({ code: 'custom', ...problemOf('bool_parsing', 'Input should be a valid boolean, unable to interpret input') });
  return z.NEVER;
});

/** An instant in ISO 8601, as milliseconds since the epoch. */
export const instantText = z.string().transform((given, context) => {
  const at = parseInstant(given);
  if (at !== undefined) return at;
  context.addIssue({ code: 'custom', ...problemOf('datetime_parsing', 'Input should be a valid datetime, such as 2026-11-21T12:00:00Z') });
  return z.NEVER;
});

/** One of some words, refused with the list of them. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.string().transform((given, context): Word => {
    const found = words.find((word) => word === given);
    if (found !== undefined) return found;
    const expected = words.map((word) => `'${word}'`).join(', ');
    context.addIssue({ code: 'custom', ...problemOf('enum', `Input should be one of ${expected}`, { expected }) });
    return z.NEVER;
  });
}

/** A query parameter that may be left out; of a repeated one the last counts, as in FastAPI. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((given: unknown) => (Array.isArray(given) ? (given.at(-1) as unknown) : given), schema.optional());
}

/** A query parameter that may be repeated. */
export function list<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((given: unknown) => (given === undefined ? [] : [given].flat()), z.array(schema));
}

/** The query parameters of every kind, each of which may be left out. */
export const query = {
  text: optional(text),
  integer: optional(integer()),
  boolean: optional(boolean),
  texts: list(text),
  integers: list(integer()),
} as const;

/** The parameters that every list has. */
export const pageQuery = {
  limit: optional(integer({ minimum: 0 })),
  offset: optional(integer({ minimum: 0 })),
  order_by: list(text),
} as const;

/** Reads the page out of a checked query; no page is longer than a hundred rows. */
export function readPage(given: { readonly limit?: number | undefined; readonly offset?: number | undefined }): Page {
  return { limit: Math.min(given.limit ?? DEFAULT_LIMIT, MAX_LIMIT), offset: given.offset ?? 0 };
}

/**
 * Reads the criteria of an order.
 * @param fallback what the list is ordered by where the caller does not say
 * @throws TradewindError `bad_request` for an attribute that the list cannot be ordered by
 */
export function readOrderBy(given: readonly string[], sortable: Sortable, fallback: string): readonly OrderBy[] {
  if (given.length > MAX_ORDER_CRITERIA) {
    throw new TradewindError(
      'bad_request',
      `Ordering with more than ${MAX_ORDER_CRITERIA} parameters is not allowed. Provided: ${given.join(', ')}`,
    );
  }
  return (given.length === 0 ? [fallback] : given).map((criterion) => {
    const attribute = criterion.replace(/^-/, '');
    if (!Object.hasOwn(sortable, attribute)) {
      const known = Object.keys(sortable).join(', ');
      throw new TradewindError(
        'bad_request',
        `Ordering with '${attribute}' is disallowed or the attribute does not exist on the model; there are ${known}`,
      );
    }
    return { attribute, descending: criterion.startsWith('-') };
  });
}

type Bound = 'gte' | 'gt' | 'lte' | 'lt';
const optionalInstant = optional(instantText);
const optionalNumber = optional(number);

/** The four bounds of an instant: `run_after_gte` and so on. */
export function instantRange<Name extends string>(name: Name) {
  return boundsOf(name, optionalInstant);
}

/** The four bounds of a number. */
export function numberRange<Name extends string>(name: Name) {
  return boundsOf(name, optionalNumber);
}

/** Reads the bounds of a value out of a checked query. */
export function readRange<Name extends string>(given: { readonly [Key in `${Name}_${Bound}`]?: number | undefined }, name: Name): Range {
  return { gte: given[`${name}_gte`], gt: given[`${name}_gt`], lte: given[`${name}_lte`], lt: given[`${name}_lt`] };
}

function boundsOf<Name extends string, Schema extends z.ZodType>(name: Name, schema: Schema) {
  return {
    [`${name}_gte`]: schema,
    [`${name}_gt`]: schema,
    [`${name}_lte`]: schema,
    [`${name}_lt`]: schema,
  } as { readonly [Key in `${Name}_${Bound}`]: Schema };
}
