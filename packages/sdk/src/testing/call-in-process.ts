import { encodeJson, decodeJson, type CallbackFailure, type CallbackWork, type TriggerEvent, type TriggerWork } from '@tradewind/protocol';
import { findCallbacks, type DagDefinition } from '../authoring/definition.ts';
import { callCallbacks, type CallbackCall } from '../worker/call-callbacks.ts';
import { describeThrown } from '../worker/describe-thrown.ts';
import type { FakeTrigger } from './prepare-run.ts';

/** How the call of a list of callbacks ended. */
export interface CalledCallbacks {
  readonly failures: readonly CallbackFailure[];
  /** Why there was nothing to call. */
  readonly problem?: string;
}

/** Calls the functions of a list in this process, as a callback process does: one after the other, whatever one of them throws. Never rejects. */
export async function runCallbacks(dag: DagDefinition, work: CallbackWork, call: CallbackCall): Promise<CalledCallbacks> {
  const handlers = findCallbacks(dag, work.target);
  if (handlers.length === 0) return { failures: [], problem: `dag "${dag.dagId}" does not define the callbacks that its version has` };
  return { failures: await callCallbacks(handlers, work, call) };
}

/** The event that the stand-in of a trigger comes to: its value, or what its function returns; one that throws, or whose event is not JSON, has failed. Never rejects. */
export async function runFakeTrigger(fake: FakeTrigger, { name, argsJson }: TriggerWork): Promise<TriggerEvent> {
  try {
    const event: unknown = typeof fake === 'function' ? await (fake as (args: unknown) => unknown)(decodeJson(argsJson)) : fake;
    const encoded = encodeJson(event);
    if (encoded.ok) return { ok: true, json: encoded.json };
    const { path, reason } = encoded.problem;
    return { ok: false, message: `the event of trigger "${name}" cannot be passed on: ${path} ${reason}` };
  } catch (error) {
    return { ok: false, message: describeThrown(error).message };
  }
}
