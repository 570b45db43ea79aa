import { encodeJson, type Duration, type JsonValue, type TriggerSpec } from '@tradewind/protocol';
import { BadValueError, DefinitionError } from '../errors.ts';
import { MAX_NAME_LENGTH } from './check-fields.ts';
import { readDuration } from './read-duration.ts';
import { showValue } from './show-value.ts';
import type { TaskLog } from './task-context.ts';
import type { Jsonify } from './task-value.ts';

declare const EVENT: unique symbol;
declare const STATE: unique symbol;

/** Marks what a task returns to be deferred, and triggers: see `TASK_REF`. */
const DEFERRED: unique symbol = Symbol.for('tradewind.deferred.v1') as never;
const TRIGGER: unique symbol = Symbol.for('tradewind.trigger.v1') as never;

/** What a trigger's code is given besides its arguments. */
export interface TriggerContext {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  /** Aborts when nobody waits for the event any more, or another process is to go on waiting. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
}

/** The code of a trigger: waits for something and returns what happened. */
export type TriggerHandler = (args: unknown, context: TriggerContext) => unknown;

/**
 * What a deferred task can wait for. Its code runs beside thousands of others in one process, holds no slot, may be started twice or moved to another
 * process, and so must only wait and look, never change anything.
 */
export interface Trigger<in Args = never, out Event = unknown> {
  readonly name: string;
  readonly run: (args: Args, context: TriggerContext) => Event | Promise<Event>;
}

/** Any trigger at all. */
export type AnyTrigger = Trigger;

/** What a task's `run` returns to leave its slot: the task is called again, at `resume`, with what has happened. */
export interface Deferred<out Event, out State = null> {
  readonly trigger: TriggerSpec | { readonly kind: 'after'; readonly afterMs: number };
  readonly stateJson: string;
  readonly timeoutMs?: number;
  /** Exists for the compiler alone. */
  readonly [EVENT]: Event;
  /** Exists for the compiler alone. */
  readonly [STATE]: State;
}

/** What the task waits for with and beside its trigger. */
export interface DeferOptions<State> {
  /** Handed to `resume`, as JSON: the variables of `run` are gone by then. @default null */
  readonly state?: State;
  /** Fails the task when nothing has happened by then. @default none */
  readonly timeout?: Duration;
}

/** The options of `defer`: a trigger that takes arguments must be given them. */
export type TriggerDeferOptions<Args, State> = DeferOptions<State> &
  (undefined extends Args ? { readonly args?: Args } : { readonly args: Args });

/**
 * Defines a trigger. The name is how the environment finds it again: unique among the triggers of a task.
 *
 * @example
 * const batchJob = trigger('batch_job', { run: async ({ jobId }: { jobId: string }, { signal }) => {
 *   for (;;) {
 *     const job = await describeJob(jobId, { signal });
 *     if (job.done) return { rows: job.rows };
 *     await setTimeout(5_000, undefined, { signal });
 *   }
 * } });
 */
export function trigger<Args = undefined, Event = unknown>(
  name: string,
  { run }: { readonly run: (args: Args, context: TriggerContext) => Event },
): Trigger<Args, Awaited<Event>> {
  const where = `trigger ${JSON.stringify(name)}`;
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME_LENGTH) {
    throw new DefinitionError(where, `a name is a text of 1 to ${MAX_NAME_LENGTH} characters`);
  }
  if (typeof run !== 'function') throw new DefinitionError(where, `run must be a function of (args, context) and not ${showValue(run)}`);
  return Object.freeze({ name, run, [TRIGGER]: true }) as unknown as Trigger<Args, Awaited<Event>>;
}

/**
 * Defers the task until a trigger has an event: return it from `run` or `resume`. The trigger must stand in the task's `triggers`.
 *
 * @example
 * d.task('train', {
 *   triggers: [batchJob],
 *   run: async () => defer(batchJob, { args: { jobId: await startJob() }, timeout: { hours: 2 } }),
 *   resume: (event) => event.rows,
 * });
 */
export function defer<Args, Event, State extends JsonValue = null>(
  trigger: Trigger<Args, Event>,
  ...[options]: undefined extends Args ? [options?: TriggerDeferOptions<Args, State>] : [options: TriggerDeferOptions<Args, State>]
): Deferred<Jsonify<Event>, State> {
  if (!isTrigger(trigger))
    throw new DefinitionError('defer()', `its first argument is ${showValue(trigger)}; give what trigger() returned`);
  const { args, ...rest } = (options ?? {}) as DeferOptions<State> & { readonly args?: unknown };
  return deferred({ kind: 'code', name: trigger.name, argsJson: encode('args', args) }, rest);
}

/**
 * Defers the task until a moment. Needs no trigger and no process; the event is null.
 *
 * @example
 * d.task('market_open', { run: (_, { dataInterval }) => deferUntil(opening(dataInterval)), resume: () => prices() });
 */
export function deferUntil<State extends JsonValue = null>(at: Temporal.Instant, options: DeferOptions<State> = {}): Deferred<null, State> {
  if (!(at instanceof Temporal.Instant))
    throw new DefinitionError('deferUntil()', `the moment is ${showValue(at)}; give a Temporal.Instant`);
  return deferred({ kind: 'timer', at: at.epochMilliseconds }, options);
}

/**
 * Defers the task for a while. Needs no trigger and no process; the event is null.
 *
 * @example
 * d.task('cool_down', { run: () => deferFor({ minutes: 10 }) });
 */
export function deferFor<State extends JsonValue = null>(duration: Duration, options: DeferOptions<State> = {}): Deferred<null, State> {
  return deferred({ kind: 'after', afterMs: readDuration('deferFor()', 'the duration', duration) ?? 0 }, options);
}

/** Defers the task until a run of a dag of this environment has ended; the event says how. What `d.triggerDagRun` returns. */
export function deferUntilRunEnds({ dagId, runId }: { readonly dagId: string; readonly runId: string }): Deferred<unknown> {
  return deferred({ kind: 'dag_run', dagId, runId }, {});
}

/** Whether a value was made by `trigger`. */
export function isTrigger(value: unknown): value is AnyTrigger {
  return typeof value === 'object' && value !== null && (value as { [TRIGGER]?: true })[TRIGGER] === true;
}

/** Whether a value asks for a deferral. */
export function isDeferred(value: unknown): value is Deferred<unknown, unknown> {
  return typeof value === 'object' && value !== null && (value as { [DEFERRED]?: true })[DEFERRED] === true;
}

function deferred<Event, State>(
  trigger: Deferred<Event, State>['trigger'],
  { state, timeout }: DeferOptions<unknown>,
): Deferred<Event, State> {
  const timeoutMs = readDuration('a deferral', 'timeout', timeout);
  const fields = { trigger, stateJson: encode('state', state), ...(timeoutMs === undefined ? {} : { timeoutMs }), [DEFERRED]: true };
  return Object.freeze(fields) as unknown as Deferred<Event, State>;
}

function encode(what: string, value: unknown): string {
  const encoded = encodeJson(value);
  if (encoded.ok) return encoded.json;
  throw new BadValueError(`the ${what} of a deferral cannot be kept: ${encoded.problem.path} ${encoded.problem.reason}`);
}
