import { decodeJson, encodeJson, type LogRecord, type TriggerChildMessage, type TriggerEvent, type TriggerWork } from '@tradewind/protocol';
import type { TriggerHandler } from '../authoring/deferral.ts';
import { describeThrown } from './describe-thrown.ts';
import { createMessageLog } from './message-log.ts';

/** What a host needs of its process. */
export interface TriggerHostParts {
  readonly send: (message: TriggerChildMessage) => void;
  /** Finds the code of a trigger; the message says why there is none. */
  readonly findTrigger: (work: TriggerWork) => Promise<{ readonly handler: TriggerHandler } | { readonly problem: string }>;
  /** Runs a function, and all that follows from it, as that of the trigger. */
  readonly enter: <Result>(triggerId: number, run: () => Result) => Result;
}

/** Runs the code of triggers in this process, any number at the same time. Each fires once: with what its code returned, or with why it did not. */
export class TriggerHost {
  readonly #parts: TriggerHostParts;
  readonly #running = new Map<number, AbortController>();

  constructor(parts: TriggerHostParts) {
    this.#parts = parts;
  }

  /** Starts triggers; one that runs already goes on. */
  run(works: readonly TriggerWork[]): void {
    for (const work of works) {
      if (this.#running.has(work.triggerId)) continue;
      this.#running.set(work.triggerId, new AbortController());
      void this.#run(work);
    }
  }

  /** Aborts the signals of triggers that nobody waits for here any more; what they come to is not told. */
  cancel(triggerIds: readonly number[]): void {
    for (const triggerId of triggerIds) {
      const abort = this.#running.get(triggerId);
      this.#running.delete(triggerId);
      if (abort === undefined) continue;
      this.#parts.enter(triggerId, () => abort.abort(new DOMException('nobody waits for the trigger here any more', 'AbortError')));
    }
  }

  /** Fires a trigger with a failure that did not come out of its code's promise. Returns false where it does not run here. */
  fail(triggerId: number, message: string): boolean {
    const abort = this.#running.get(triggerId);
    if (abort === undefined) return false;
    this.#fire(triggerId, { ok: false, message });
    abort.abort(new DOMException('the trigger has failed', 'AbortError'));
    return true;
  }

  async #run(work: TriggerWork): Promise<void> {
    const { triggerId } = work;
    const found = await this.#parts.findTrigger(work);
    const abort = this.#running.get(triggerId);
    if (abort === undefined) return;
    if ('problem' in found) {
      this.#fire(triggerId, { ok: false, message: found.problem });
      return;
    }
    this.#fire(triggerId, await this.#parts.enter(triggerId, () => this.#wait(work, found.handler, abort.signal)));
  }

  async #wait(work: TriggerWork, handler: TriggerHandler, signal: AbortSignal): Promise<TriggerEvent> {
    const { triggerId, dagId, runId, taskId, mapIndex, argsJson } = work;
    const log = createMessageLog('trigger', (record: LogRecord) => this.#parts.send({ type: 'log', triggerId, record }));
    try {
      const encoded = encodeJson(await handler(decodeJson(argsJson), { dagId, runId, taskId, mapIndex, signal, log }));
      if (encoded.ok) return { ok: true, json: encoded.json };
      const { path, reason } = encoded.problem;
      return { ok: false, message: `the event of trigger "${work.name}" cannot be passed on: ${path} ${reason}` };
    } catch (error) {
      return { ok: false, message: describeThrown(error).message };
    }
  }

  /** The first event counts; one that comes when nobody waits any more is dropped. */
  #fire(triggerId: number, event: TriggerEvent): void {
    if (this.#running.delete(triggerId)) this.#parts.send({ type: 'fired', triggerId, event });
  }
}
