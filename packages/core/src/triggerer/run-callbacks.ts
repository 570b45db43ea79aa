import type { CallbackContext, CallbackTarget, CallbackWork, DagCallback, LogRecord, TaskCallback } from '@tradewind/protocol';
import { decodeJson } from '@tradewind/protocol';
import { messageOf } from '../platform/errors.ts';
import { claimCallbacks, selectCallbacksOf, type ClaimedCallback } from '../store/transitions/claim-callbacks.ts';
import { settleCallback, startCallback, type SettledCallback } from '../store/transitions/settle-callbacks.ts';
import { callbackLogFile } from './author-log.ts';
import type { CallbackOutcome } from './callback-pool.ts';
import { DEFAULT_CALLBACK_PARALLELISM, type TriggererState } from './triggerer-state.ts';

/** A list whose process dies is called again, but not for ever. */
const MOST_ATTEMPTS = 3;
/** So many more than can be called at once are claimed, so that no child waits for the database. */
const CLAIMED_AHEAD = 2;

/** Takes as many callback requests as there is room for, and has them carried out, which this does not wait for. */
export async function takeCallbacks(state: TriggererState): Promise<void> {
  const { database, callbackParallelism = DEFAULT_CALLBACK_PARALLELISM } = state.parts;
  const most = callbackParallelism * CLAIMED_AHEAD - state.calling.size;
  if (most <= 0) return;
  const [claimed] = await database.batch([claimCallbacks(state.term, most)]);
  for (const one of claimed) {
    state.calling.set(one.id, carryOut(state, state.term, one));
  }
}

/** Gives back the requests that are ours without our knowing: the answer to the claim was lost, or that to the settling. */
export async function returnLostCallbacks(state: TriggererState): Promise<void> {
  const { database, clock } = state.parts;
  const [ours] = await database.batch([selectCallbacksOf(state.term)]);
  const lost = ours.filter(({ id }) => !state.calling.has(id));
  if (lost.length === 0) return;
  await database.batch(lost.map(({ id }) => settleCallback(state.term, clock.now(), { id, state: 'pending', failure: null })));
}

/** One request from its claim to its end. Never rejects: a request that cannot be settled is found by `returnLostCallbacks`. */
async function carryOut(state: TriggererState, term: number, claimed: ClaimedCallback): Promise<void> {
  const { database, clock, log } = state.parts;
  const { id, dagId, runId, kind } = claimed;
  try {
    const [started] = await database.batch([startCallback(term, clock.now(), id)]);
    if (started.length === 0) return;
    const append = state.authorLog.open(logFileOf(state, claimed));
    const outcome = await state.callbacks.call(workOf(state, claimed), append);
    const settled = settlementOf(claimed, outcome);
    if (settled.failure !== null) {
      append(supervisorRecord(clock.now(), settled.failure));
      log.warning('callbacks failed', { dagId, runId, callback: kind, state: settled.state, reason: settled.failure });
    }
    await database.batch([settleCallback(term, clock.now(), settled)]);
  } catch (error) {
    log.error('a callback request could not be carried out; it is tried again', { callbackId: id, dagId, problem: messageOf(error) });
  } finally {
    state.calling.delete(id);
    state.wake();
  }
}

function workOf(state: TriggererState, { id, scope, kind, taskId, context, file, bundleVersion }: ClaimedCallback): CallbackWork {
  return {
    callbackId: id,
    target: targetOf(scope, kind, taskId),
    code: state.parts.locateCode(file, bundleVersion),
    context: decodeJson(context) as unknown as CallbackContext,
  };
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

function settlementOf({ id, attempts }: ClaimedCallback, outcome: CallbackOutcome): SettledCallback {
  switch (outcome.outcome) {
    case 'called': {
      const problems = [...(outcome.problem === undefined ? [] : [outcome.problem]), ...outcome.failures.map(({ message }) => message)];
      return { id, state: problems.length === 0 ? 'success' : 'failed', failure: problems.length === 0 ? null : problems.join('; ') };
    }
    case 'timeout':
      return { id, state: 'failed', failure: outcome.message };
    case 'died':
      return { id, state: attempts + 1 < MOST_ATTEMPTS ? 'pending' : 'failed', failure: outcome.message };
  }
}

function logFileOf({ parts }: TriggererState, { dagId, runId, taskId, mapIndex, tryNumber, context }: ClaimedCallback): string {
  const name = runId ?? (decodeJson(context) as unknown as CallbackContext).runId;
  return callbackLogFile(parts.logsFolder, { dagId, runId: name, taskId, mapIndex, tryNumber: tryNumber ?? 0 });
}

function supervisorRecord(now: number, event: string): LogRecord {
  return { timestamp: new Date(now).toISOString(), level: 'error', event, logger: 'supervisor' };
}
