import type { CodeLocation, TryFailure } from './execution.ts';
import type { JsonObject } from './json.ts';
import type { LogRecord } from './log-record.ts';
import type { DagCallback } from './serialized-dag.ts';
import type { TaskCallback } from './serialized-task.ts';
import type { TaskInstanceState } from './states.ts';

/**
 * The states of a callback request; the strings are Airflow's. `scheduled`: asked for by a change of state. `queued`: taken by a triggerer. `running`: handed to a
 * process. `pending`: that process, or its triggerer, is gone without an answer, and the callback is to be called again.
 */
export const CALLBACK_STATES = ['scheduled', 'pending', 'queued', 'running', 'success', 'failed'] as const;
/** The state of a callback request. */
export type CallbackState = (typeof CALLBACK_STATES)[number];

/** From each state of a callback request, the states that may follow it. */
export const CALLBACK_TRANSITIONS: Readonly<Record<CallbackState, readonly CallbackState[]>> = {
  scheduled: ['queued'],
  pending: ['queued'],
  queued: ['running', 'pending', 'failed'],
  running: ['success', 'failed', 'pending'],
  success: [],
  failed: [],
};

/** Which of an author's functions are called: all of one list, in order. */
export type CallbackTarget =
  | { readonly of: 'task'; readonly taskId: string; readonly when: TaskCallback }
  | { readonly of: 'dag'; readonly when: DagCallback }
  | { readonly of: 'deadline'; readonly name: string };

/** What a callback learns. Instants are ISO 8601. */
export interface CallbackContext {
  readonly dagId: string;
  /** Of a run that was never created: the id that it would have. */
  readonly runId: string;
  readonly logicalDate: string | null;
  readonly dataIntervalStart: string | null;
  readonly dataIntervalEnd: string | null;
  readonly runAfter: string;
  readonly params: JsonObject;
  /** What has happened. */
  readonly subject: CallbackSubject;
}

/** What has happened, for each kind of target. */
export type CallbackSubject =
  | {
      readonly of: 'task';
      readonly taskId: string;
      readonly mapIndex: number;
      readonly tryNumber: number;
      readonly maxTries: number;
      readonly state: TaskInstanceState;
      /** Why the try failed; only where it did. */
      readonly failure?: TryFailure;
      /** Why the task skipped itself; only where it did. */
      readonly skipReason?: string;
    }
  | {
      readonly of: 'dag';
      readonly state: 'success' | 'failed';
      /** Airflow's words: `success`, `task_failure`, `timed_out`, … */
      readonly reason: string;
    }
  | {
      readonly of: 'deadline';
      readonly name: string;
      readonly dueAt: string;
      /** False for a run that should exist and was never created. */
      readonly runExists: boolean;
    };

/** One list of callbacks, ready to be called by a callback child. */
export interface CallbackWork {
  /** The same in every repetition of the call, and in no other call. */
  readonly callbackId: string;
  readonly target: CallbackTarget;
  readonly code: CodeLocation;
  readonly context: CallbackContext;
}

/** A function of the list that threw; `place` counts from 0. */
export interface CallbackFailure {
  readonly place: number;
  readonly message: string;
  readonly detail?: string;
}

/** Triggerer → callback child: one list at a time. */
export type CallbackRunnerMessage =
  | { readonly type: 'call'; readonly work: CallbackWork }
  /** It takes too long: its signal aborts, and its process ends soon. */
  | { readonly type: 'cancel'; readonly reason: string };

/** Callback child → triggerer. */
export type CallbackChildMessage =
  | { readonly type: 'ready'; readonly protocolVersion: number; readonly pid: number }
  | { readonly type: 'log'; readonly callbackId: string; readonly record: LogRecord }
  /** The list was called to its end; `problem` says why there was nothing to call. */
  | { readonly type: 'called'; readonly callbackId: string; readonly failures: readonly CallbackFailure[]; readonly problem?: string };
