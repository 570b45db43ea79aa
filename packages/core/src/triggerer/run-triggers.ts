import type { TriggerWork } from '@tradewind/protocol';
import { messageOf } from '../platform/errors.ts';
import { openWithNewestKeys } from '../platform/secret-box.ts';
import { wakeOthers } from '../store/database.ts';
import { claimTriggers, releaseTriggers, selectTriggersOf, type ClaimedTrigger } from '../store/transitions/claim-triggers.ts';
import { fireTriggers } from '../store/transitions/fire-triggers.ts';
import { removeUnwantedTriggers } from '../store/transitions/remove-triggers.ts';
import { triggerLogFile } from './author-log.ts';
import { DEFAULT_CAPACITY, triggerName, type TriggererState } from './triggerer-state.ts';

/** Most triggers that are claimed, or events that are stored, in one go; where there are more, the next go follows at once. */
const MOST_AT_ONCE = 500;
/** Between two looks at which triggers are still wanted. */
const SWEEP_MS = 1_000;

/** Stores the events of triggers that have fired, and tells the scheduler. An event that cannot be stored now stays. */
export async function storeFired(state: TriggererState): Promise<void> {
  const { database, clock, onFired } = state.parts;
  while (state.fired.length > 0) {
    const some = state.fired.slice(0, MOST_AT_ONCE);
    const [stored] = await database.batch([fireTriggers(state.term, clock.now(), some), wakeOthers]);
    state.fired.splice(0, some.length);
    if (stored.length > 0) onFired();
  }
}

/**
 * Compares what runs here with what the database wants: triggers whose task instances have gone on are ended, and those that are ours without our knowing (the answer to the
 * claim was lost) are given back.
 */
export async function sweepTriggers(state: TriggererState): Promise<void> {
  const { database, clock } = state.parts;
  if (clock.now() < state.nextSweepAt) return;
  const fired = new Set(state.fired.map(triggerName));
  const [, ours] = await database.batch([removeUnwantedTriggers(), selectTriggersOf(state.term)]);
  state.nextSweepAt = clock.now() + SWEEP_MS;
  const wanted = new Set(ours.map(triggerName));
  const unwanted = [...state.numbers].filter(([name]) => !wanted.has(name));
  state.pool.cancel(unwanted.map(([, number]) => number));
  for (const [name, number] of unwanted) {
    state.numbers.delete(name);
    state.held.delete(number);
  }
  // What has fired since the look is known, too: it was taken out of the numbers and is among the fired.
  const firedSince = new Set(state.fired.map(triggerName));
  const unknown = ours.filter((trigger) => {
    const name = triggerName(trigger);
    return !state.numbers.has(name) && !fired.has(name) && !firedSince.has(name);
  });
  if (unknown.length > 0) await database.batch([releaseTriggers(state.term, unknown)]);
}

/** Takes as many waiting triggers as there is room for, and runs them. */
export async function takeTriggers(state: TriggererState): Promise<void> {
  const { database, capacity = DEFAULT_CAPACITY } = state.parts;
  for (;;) {
    const most = Math.min(MOST_AT_ONCE, capacity - state.pool.size);
    if (most <= 0) return;
    const [claimed] = await database.batch([claimTriggers(state.term, most)]);
    const opened: ClaimedTrigger[] = [];
    for (const trigger of claimed) opened.push(...(await openArgs(state, trigger)));
    state.pool.run(opened.map((trigger) => hold(state, trigger)));
    if (opened.length < claimed.length) await storeFired(state);
    if (claimed.length < most) return;
  }
}

/** The trigger with what its task handed to it; one that cannot be opened fires with that. */
async function openArgs({ parts: { sealer }, fired }: TriggererState, claimed: ClaimedTrigger): Promise<ClaimedTrigger[]> {
  const { taskInstanceId, epoch, args } = claimed;
  try {
    if (sealer === undefined) return [claimed];
    return [{ ...claimed, args: await openWithNewestKeys(() => sealer.openJson(args), sealer.refreshKeys) }];
  } catch (error) {
    fired.push({
      taskInstanceId,
      epoch,
      event: { ok: false, message: `what the task handed to its trigger cannot be opened: ${messageOf(error)}` },
    });
    return [];
  }
}

function hold(state: TriggererState, claimed: ClaimedTrigger): TriggerWork {
  const { dagId, runId, taskId, mapIndex, name, args, file, bundleVersion } = claimed;
  state.lastNumber += 1;
  const triggerId = state.lastNumber;
  state.held.set(triggerId, { claimed, append: state.authorLog.open(triggerLogFile(state.parts.logsFolder, claimed)) });
  state.numbers.set(triggerName(claimed), triggerId);
  return { triggerId, dagId, runId, taskId, mapIndex, name, argsJson: args, code: state.parts.locateCode(file, bundleVersion) };
}
