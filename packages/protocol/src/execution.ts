/**
 * Every message of a try: between the supervisor and the child that runs author code (a pipe), and between a worker and the environment
 * (in process for the local executor). The schemas that check what arrives are in `schemas/`; a child is never trusted.
 */
import type { EmittedEvent } from './asset.ts';
import type { Deferral, Resumption } from './deferral.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { Isolation } from './serialized-task.ts';
import type { TaskRequest, TaskResponse } from './task-request.ts';
import type { TimetableQuestion } from './timetable-evaluation.ts';

/** Raised with every change that the other side of a pipe could not understand. */
export const EXECUTION_PROTOCOL_VERSION = 2;

/**
 * Names one attempt at a task instance. The epoch is raised whenever the attempt is given up, so a report that arrives late names an epoch
 * that is no longer the row's and is refused (adr/0005).
 */
export interface Attempt {
  readonly taskInstanceId: string;
  readonly epoch: number;
}

/** What a task learns about the run and the try it is in; the author sees it as the second argument of `run`. */
export interface TryContext {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  /** Place among the task instances of a mapped task, from 0; -1 for others. */
  readonly mapIndex: number;
  /** How many task instances its mapped task or group has; absent for others. */
  readonly expandedCount?: number;
  /** What the task instance is shown by in place of its map index, where a template says so. */
  readonly mapIndexLabel?: string;
  readonly tryNumber: number;
  readonly maxTries: number;
  /** ISO 8601 instant, or null for runs without a logical date. */
  readonly logicalDate: string | null;
  readonly dataIntervalStart: string | null;
  readonly dataIntervalEnd: string | null;
  readonly runAfter: string;
  readonly params: JsonObject;
  /** When the task instance first entered its code since it was last cleared, in epoch milliseconds; what a sensor's timeout counts from. */
  readonly firstStartedAt?: number;
  /** How often it was rescheduled since then. */
  readonly rescheduleCount?: number;
  /** The asset events that started the run; empty for other runs. */
  readonly triggeringEvents: readonly TriggeringEvent[];
}

/** An asset event as a task of the run that it started sees it. */
export interface TriggeringEvent {
  readonly assetName: string;
  /** ISO 8601 instant. */
  readonly timestamp: string;
  readonly extra: JsonValue;
  /** Identity of the message that carried it, where it came from another environment. */
  readonly source?: { readonly id: string; readonly source: string; readonly type: string };
}

/** Where a child finds the author's code: a file of a bundle at one version (adr/0004). */
export interface CodeLocation {
  /** Absolute path of the bundle's folder. */
  readonly bundleFolder: string;
  /** Path of the dag file, relative to the bundle's folder. */
  readonly file: string;
  /** Hash over all files of the bundle. */
  readonly bundleVersion: string;
  /** Absolute path of the file that lists the content hash of each file of this bundle version. */
  readonly manifestFile: string;
}

/** One try, ready to be run by any worker. */
export interface Workload {
  readonly attempt: Attempt;
  readonly code: CodeLocation;
  readonly context: TryContext;
  /** JSON text of each input's value. */
  readonly inputsJson: Readonly<Record<string, string>>;
  readonly isolation: Isolation;
  readonly executionTimeoutMs?: number;
  /** Set where the task was deferred: what it kept, and what has happened. */
  readonly resumption?: Resumption;
}

/** Supervisor → child. */
export type SupervisorMessage =
  | {
      readonly type: 'start';
      readonly workload: Workload;
      /** Files with the JSON text of further inputs, by name, which are too large for a message. They are there until the try has ended. */
      readonly inputFiles?: Readonly<Record<string, string>>;
    }
  | { readonly type: 'cancel'; readonly reason: string }
  /** Answers the request of the same number. */
  | { readonly type: 'response'; readonly requestId: number; readonly response: TaskResponse };

/** Child → supervisor. */
export type ChildMessage =
  | { readonly type: 'ready'; readonly protocolVersion: number; readonly pid: number }
  /** Sent just before the author's function is entered; times are `performance.timeOrigin + performance.now()`. */
  | { readonly type: 'started'; readonly attempt: Attempt; readonly at: number }
  /** Asks for something; the numbers of a try's requests rise. */
  | { readonly type: 'request'; readonly attempt: Attempt; readonly requestId: number; readonly request: TaskRequest }
  | {
      readonly type: 'ended';
      readonly attempt: Attempt;
      readonly outcome: TryOutcome;
      /** On the same clock as the `at` of `started`. */
      readonly at: number;
      /** With what hangs on the heap outside of it, such as buffers; garbage counts until it is collected. */
      readonly heapUsedBytes: number;
      /** What the try left behind that a next one could meet, such as open timers: the child must not be used again. */
      readonly leftBehind?: string;
    };

/** Why a try did not succeed, in words that a log, the API and the page show. */
export interface TryFailure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Stack or further text, at most `MAX_FAILURE_DETAIL_LENGTH` characters. */
  readonly detail?: string;
}

export const MAX_FAILURE_DETAIL_LENGTH = 8_192;

/** How many asset events one try may emit. */
export const MAX_EVENTS_PER_TRY = 1_000;

export const FAILURE_KINDS = [
  /** The author's function threw. */
  'error',
  /** The author's function asked for failure without retry (`context.fail`). */
  'fail_without_retry',
  /** The value is not JSON, or too large. */
  'bad_value',
  /** `executionTimeout` passed. */
  'timeout',
  /** The process ended before it reported a result. */
  'no_result',
  /** The process was ended by a signal, or exited with a code other than 0, before it reported a result. */
  'crashed',
  /** The process ran out of heap. */
  'out_of_memory',
  /** The dag file could not be imported, or no longer has the task. */
  'import',
  /** The process could not be started. */
  'spawn',
  /** The worker or scheduler that held the attempt died or went silent. */
  'lost',
  /** Somebody stopped the environment while the try was running. */
  'stopped',
] as const;
/** What kind of failure ended a try. */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What a task that succeeded leaves behind. */
export interface TrySuccess {
  readonly result: 'success';
  readonly valueJson: string;
  readonly events: readonly EmittedEvent[];
  /** What a branch or a short circuit chose. */
  readonly decision?: TryDecision;
  /** What the task instance is to be shown by in place of its map index. */
  readonly mapIndexLabel?: string;
}

/** The choice that a task made for the tasks below it. */
export type TryDecision =
  | { readonly kind: 'branch'; readonly follow: readonly string[] }
  | { readonly kind: 'short_circuit'; readonly goesOn: boolean }
  | { readonly kind: 'latest_only'; readonly goesOn: boolean };

/** How a try ended. */
export type TryOutcome =
  | TrySuccess
  | { readonly result: 'skipped'; readonly reason: string }
  | { readonly result: 'failed'; readonly failure: TryFailure }
  /** A sensor gives its slot back and wants to be called again; epoch milliseconds. */
  | { readonly result: 'rescheduled'; readonly at: number }
  | { readonly result: 'deferred'; readonly deferral: Deferral };

/** Worker → environment: what happened to an attempt. Times are epoch milliseconds, fractions allowed. */
export type AttemptReport =
  | { readonly type: 'started'; readonly attempt: Attempt; readonly at: number; readonly pid: number; readonly hostname: string }
  | { readonly type: 'ended'; readonly attempt: Attempt; readonly at: number; readonly outcome: TryOutcome };

/** A child that parses one dag file: what it is asked. */
export interface ParseRequest {
  readonly code: CodeLocation;
  /** Asks the timetable of one dag of the file instead of what the file defines. */
  readonly timetable?: TimetableQuestion;
}

/** A child that parses one dag file: what it answers, once. */
export type ParseReply =
  | {
      readonly type: 'parsed';
      /** Serialized dags, unchecked: the dag processor validates each. */
      readonly dags: readonly unknown[];
      /** Files of the bundle that the dag file imports, itself included, relative to the bundle's folder. */
      readonly files: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly type: 'failed'; readonly error: ParseFailure };

/** Why a dag file could not be read, and where. */
export interface ParseFailure {
  readonly message: string;
  /** Relative to the bundle's folder, where known. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** The offending lines with their numbers. */
  readonly excerpt?: string;
  readonly stack?: string;
}
