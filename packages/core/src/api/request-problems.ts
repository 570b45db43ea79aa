import type { z } from 'zod';
import { TradewindError } from '../platform/errors.ts';

/** A body as it arrived: what its media type says it is, and its value where that is one of ours. */
export type RequestBody =
  | { readonly type: 'none'; readonly value?: undefined }
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'form'; readonly value: Readonly<Record<string, string>> }
  | { readonly type: 'other'; readonly value: string };

/** One thing wrong with a request, in FastAPI's words, which clients of Airflow know. */
export interface RequestProblem {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** A request whose parts do not fit what its route declares. */
export class InvalidRequest extends TradewindError {
  readonly problems: readonly RequestProblem[];

  constructor(problems: readonly RequestProblem[]) {
    super('invalid_request', problems.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '));
    this.problems = problems;
  }
}

/** Where in a request a value stands. */
type RequestPart = 'path' | 'query' | 'body';

/**
 * Checks one part of a request.
 * @throws InvalidRequest with every problem of the part
 */
export function parsePart<Schema extends z.ZodType>(part: RequestPart, schema: Schema | undefined, value: unknown): z.output<Schema> {
  // A route that declares nothing for a part reads nothing of it.
  if (schema === undefined) return undefined as z.output<Schema>;
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(parsed.error.issues.flatMap((issue) => toProblems(part, issue)));
}

/**
 * Refuses a request with a query parameter of Airflow's that the route does not serve: leaving a filter out would answer another question.
 * Parameters that Airflow does not know either are ignored, as FastAPI does.
 */
export function checkQuery(query: unknown, unserved: readonly string[]): void {
  const present = unserved.filter((name) => Object.hasOwn(query ?? {}, name));
  if (present.length === 0) return;
  throw new InvalidRequest(
    present.map((name) => ({
      type: 'unsupported',
      loc: ['query', name],
      msg: 'Tradewind does not have this parameter; leave it out',
      input: (query as Record<string, unknown>)[name],
    })),
  );
}

/** An issue that a schema of ours raises, naming FastAPI's type for it. */
export function problemOf(type: string, message: string, ctx?: Readonly<Record<string, unknown>>): { params: object; message: string } {
  return { params: { type, ...(ctx === undefined ? {} : { ctx }) }, message };
}

function toProblems(part: RequestPart, issue: z.core.$ZodIssue): RequestProblem[] {
  const loc = [part, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      type: 'extra_forbidden',
      loc: [...loc, key],
      msg: 'Extra inputs are not permitted',
      input: issue.input?.[key],
    }));
  }
  return [{ ...describeIssue(issue), loc, input: issue.input === undefined ? null : issue.input }];
}

function describeIssue(issue: z.core.$ZodIssue): Pick<RequestProblem, 'type' | 'msg' | 'ctx'> {
  if (issue.code === 'custom' && typeof issue.params?.['type'] === 'string') {
    const ctx = issue.params['ctx'] as RequestProblem['ctx'];
    return { type: issue.params['type'], msg: issue.message, ...(ctx === undefined ? {} : { ctx }) };
  }
  if (issue.code !== 'invalid_type') return { type: 'value_error', msg: issue.message };
  if (issue.input === undefined) return { type: 'missing', msg: 'Field required' };
  return TYPE_PROBLEMS[issue.expected] ?? { type: 'value_error', msg: issue.message };
}

const TYPE_PROBLEMS: Readonly<Partial<Record<string, Pick<RequestProblem, 'type' | 'msg'>>>> = {
  string: { type: 'string_type', msg: 'Input should be a valid string' },
  int: { type: 'int_type', msg: 'Input should be a valid integer' },
  number: { type: 'float_type', msg: 'Input should be a valid number' },
  boolean: { type: 'bool_type', msg: 'Input should be a valid boolean' },
  array: { type: 'list_type', msg: 'Input should be a valid list' },
  record: { type: 'dict_type', msg: 'Input should be a valid dictionary' },
  object: { type: 'model_attributes_type', msg: 'Input should be a valid dictionary or object to extract fields from' },
};
