import {
  decodeJson,
  type CallbackContext,
  type CallbackTarget,
  type CallbackWork,
  type CodeLocation,
  type DagCallback,
  type TaskCallback,
  type TriggerEvent,
  type TriggerWork,
} from '@tradewind/protocol';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../store/database.ts';
import { claimCallbacks, type ClaimedCallback } from '../store/transitions/claim-callbacks.ts';
import { claimTriggers, type ClaimedTrigger } from '../store/transitions/claim-triggers.ts';
import { fireTriggers } from '../store/transitions/fire-triggers.ts';
import { startJob } from '../store/transitions/jobs.ts';
import { settleCallback, startCallback } from '../store/transitions/settle-callbacks.ts';
import type { AuthorCode } from './author-code.ts';
import { IN_PROCESS_HOST } from './in-process-executor.ts';

/** What a triggerer in the process of a test needs. */
export interface InProcessTriggererParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly code: AuthorCode;
  readonly leaseMs: number;
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  /** What a trigger comes to. Must not reject. */
  readonly fire: (work: TriggerWork) => Promise<TriggerEvent>;
  /** Calls a list of callbacks. @returns why some of it failed; null where all went well. Must not reject. */
  readonly call: (work: CallbackWork) => Promise<string | null>;
  /** Called after a commit that made triggers fire. */
  readonly onFired: () => void;
  /** Called with what keeps it from its work. */
  readonly onProblem: (problem: unknown) => void;
}

const MOST_AT_ONCE = 200;

/**
 * Starts what runs triggers and callbacks in this process, by the transitions of the real triggerer.
 * @returns says that something was committed that may have to be run
 */
export async function startInProcessTriggerer(parts: InProcessTriggererParts): Promise<() => void> {
  const { database, clock, leaseMs, onProblem } = parts;
  const [[job]] = await database.batch([startJob({ kind: 'triggerer', ...IN_PROCESS_HOST, leaseMs }, clock.now())]);
  const term = job?.term ?? 0;
  let looking = Promise.resolve();
  return () => {
    looking = looking.then(() => takeAll(parts, term)).catch(onProblem);
  };
}

async function takeAll(parts: InProcessTriggererParts, term: number): Promise<void> {
  for (;;) {
    const [triggers, callbacks] = await parts.database.batch([claimTriggers(term, MOST_AT_ONCE), claimCallbacks(term, MOST_AT_ONCE)]);
    for (const trigger of triggers) startTrigger(parts, term, trigger);
    for (const callback of callbacks) await startCall(parts, term, callback);
    if (triggers.length < MOST_AT_ONCE && callbacks.length < MOST_AT_ONCE) return;
  }
}

function startTrigger(parts: InProcessTriggererParts, term: number, claimed: ClaimedTrigger): void {
  const { database, clock, code, fire, onFired, onProblem } = parts;
  const { taskInstanceId, epoch, dagId, runId, taskId, mapIndex, name, args, file, bundleVersion } = claimed;
  const work = { triggerId: 0, dagId, runId, taskId, mapIndex, name, argsJson: args, code: parts.locateCode(file, bundleVersion) };
  const store = async (event: TriggerEvent): Promise<void> => {
    await database.batch([fireTriggers(term, clock.now(), [{ taskInstanceId, epoch, event }])]);
    onFired();
  };
  code.start(
    `trigger "${name}" of task "${taskId}" of dag "${dagId}"`,
    () => fire(work),
    (event) => void store(event).catch(onProblem),
  );
}

async function startCall(parts: InProcessTriggererParts, term: number, claimed: ClaimedCallback): Promise<void> {
  const { database, clock, code, call, onProblem } = parts;
  const { id, scope, kind, taskId, dagId, context, file, bundleVersion } = claimed;
  await database.batch([startCallback(term, clock.now(), id)]);
  const work = {
    callbackId: id,
    target: targetOf(scope, kind, taskId),
    code: parts.locateCode(file, bundleVersion),
    context: decodeJson(context) as unknown as CallbackContext,
  };
  const settle = async (failure: string | null): Promise<void> => {
    await database.batch([settleCallback(term, clock.now(), { id, state: failure === null ? 'success' : 'failed', failure })]);
  };
  code.start(
    `callback "${kind}" of dag "${dagId}"`,
    () => call(work),
    (failure) => void settle(failure).catch(onProblem),
  );
}

/** The statements that ask for callbacks write nothing else. */
function targetOf(scope: ClaimedCallback['scope'], kind: string, taskId: string | null): CallbackTarget {
  switch (scope) {
    case 'task':
      return { of: 'task', taskId: taskId ?? '', when: kind as TaskCallback };
    case 'dag':
      return { of: 'dag', when: kind as DagCallback };
    case 'deadline':
      return { of: 'deadline', name: kind };
  }
}
