import type { FailureKind } from '@tradewind/protocol';

/** Every error that this package raises, by its stable code. `docs/reference/errors.md` lists the same codes. */
export const SDK_ERROR_CODES = [
  'bad_definition',
  'bad_test_run',
  'bad_value',
  'command_failed',
  'deferral_failed',
  'fail_task',
  'request_failed',
  'skip_task',
  'template_failed',
] as const;
/** The stable name of a kind of error. */
export type SdkErrorCode = (typeof SDK_ERROR_CODES)[number];

/**
 * How an error ends a try, where its class says so. A registered symbol, because the author's copy of this package and the one that runs the
 * task may be two, and `instanceof` would not see across them.
 */
const TRY_ENDING: unique symbol = Symbol.for('tradewind.try-ending.v1') as never;

/** What an error asks for: that the task is skipped, or a failure of this kind. */
export type TryEnding = 'skipped' | FailureKind;

/** An error of this package: its message says what is wrong, where, and the way out. */
export class SdkError extends Error {
  override readonly name: string = 'SdkError';
  readonly code: SdkErrorCode;

  constructor(code: SdkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A dag file that does not hold together: thrown while it is imported, shown as the file's import error.
 *
 * @example
 * dag('orders', { schedule: '@dayly' }, () => {});
 * // DefinitionError: dag "orders": schedule is '@dayly'; use '@hourly', '@daily', …
 */
export class DefinitionError extends SdkError {
  override readonly name = 'DefinitionError';

  /**
   * @param where the dag, task or asset, as in `dag "orders", task "load"`
   * @param problem what is wrong and the way out, continuing the sentence
   */
  constructor(where: string, problem: string) {
    super('bad_definition', `${where}: ${problem}`);
  }
}

/**
 * Thrown inside a task, ends the try and leaves the task skipped. `context.skip(reason)` throws it; code without a context can throw it itself.
 *
 * @example
 * function newestFile(files: readonly string[]): string {
 *   const newest = files.at(-1);
 *   if (newest === undefined) throw new SkipTask('there is no file today');
 *   return newest;
 * }
 */
export class SkipTask extends SdkError {
  override readonly name = 'SkipTask';
  readonly [TRY_ENDING]: TryEnding = 'skipped';

  /** @param reason shown beside the skipped task */
  constructor(reason: string) {
    super('skip_task', reason);
  }
}

/**
 * Thrown inside a task, fails it at once: no further try, however many retries are left. `context.fail(message)` throws it.
 *
 * @example
 * async function read(url: string): Promise<string> {
 *   const response = await fetch(url);
 *   if (response.status === 404) throw new FailTask(`${url} does not exist; asking again will not help`);
 *   return response.text();
 * }
 */
export class FailTask extends SdkError {
  override readonly name = 'FailTask';
  readonly [TRY_ENDING]: TryEnding = 'fail_without_retry';

  /** @param options.cause the error underneath */
  constructor(message: string, options?: ErrorOptions) {
    super('fail_task', message, options);
  }
}

/** Something that a task hands out is not JSON, or too large. Fails the try. */
export class BadValueError extends SdkError {
  override readonly name = 'BadValueError';
  readonly [TRY_ENDING]: TryEnding = 'bad_value';

  constructor(message: string) {
    super('bad_value', message);
  }
}

/**
 * The environment did not give a task what it asked for. A refusal (`forbidden`) fails the task without another try, because only a change of the
 * dag or of the environment helps; anything else fails the try.
 */
export class RequestError extends SdkError {
  override readonly name = 'RequestError';
  readonly reason: RequestErrorReason;
  readonly [TRY_ENDING]?: TryEnding;

  /** @param message what was asked for, what is wrong and the way out */
  constructor(reason: RequestErrorReason, message: string) {
    super('request_failed', message);
    this.reason = reason;
    if (reason === 'forbidden') this[TRY_ENDING] = 'fail_without_retry';
  }
}

/** Why an environment does not give a task what it asks for. */
export type RequestErrorReason = 'not_found' | 'forbidden' | 'bad_request' | 'unavailable';

/** A template of a task's field that cannot be rendered: fails the try. */
export class TemplateError extends SdkError {
  override readonly name = 'TemplateError';

  /** @param message which field, what is wrong in it and the way out */
  constructor(message: string, options?: ErrorOptions) {
    super('template_failed', message, options);
  }
}

/** How a thrown value asks the try to end; undefined for every error that says nothing about it, which is a failed try. */
export function tryEndingOf(thrown: unknown): TryEnding | undefined {
  return Error.isError(thrown) ? (thrown as { [TRY_ENDING]?: TryEnding })[TRY_ENDING] : undefined;
}
