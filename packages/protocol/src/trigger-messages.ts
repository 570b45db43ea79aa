/** The messages between a triggerer and the children that run the code of triggers, many in each. The schemas are in `schemas/`; a child is never trusted. */
import type { Resumption } from './deferral.ts';
import type { CodeLocation } from './execution.ts';
import type { LogRecord } from './log-record.ts';

/** A trigger, ready to be run by any child of its bundle version. */
export interface TriggerWork {
  /** Numbers the trigger among all that its triggerer has run. */
  readonly triggerId: number;
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly name: string;
  readonly argsJson: string;
  readonly code: CodeLocation;
}

/** What has happened, or why nothing will. */
export type TriggerEvent = Resumption['event'];

/** Triggerer → trigger child. */
export type TriggerRunnerMessage =
  | { readonly type: 'run'; readonly triggers: readonly TriggerWork[] }
  /** Nobody waits for these here any more: their signals abort. */
  | { readonly type: 'cancel'; readonly triggerIds: readonly number[] }
  | { readonly type: 'ping'; readonly number: number };

/** Trigger child → triggerer. */
export type TriggerChildMessage =
  | { readonly type: 'ready'; readonly protocolVersion: number; readonly pid: number }
  | { readonly type: 'pong'; readonly number: number }
  | { readonly type: 'fired'; readonly triggerId: number; readonly event: TriggerEvent }
  | { readonly type: 'log'; readonly triggerId: number; readonly record: LogRecord }
  /** From a thread beside the event loop: the loop has not turned for this long, and this trigger's code is what runs, where that is known. */
  | { readonly type: 'blocked'; readonly triggerId?: number; readonly blockedMs: number }
  /** This trigger's code ends the process. */
  | { readonly type: 'dying'; readonly triggerId: number; readonly message: string };
