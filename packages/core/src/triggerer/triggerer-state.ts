import type { CodeLocation, LogRecord, TriggerEvent } from '@tradewind/protocol';
import type { ValueSealer } from '../model/masking/value-sealer.ts';
import type { Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import type { ClaimedTrigger } from '../store/transitions/claim-triggers.ts';
import type { FiredTrigger } from '../store/transitions/fire-triggers.ts';
import { AuthorLog } from './author-log.ts';
import { CallbackPool, type CallbackChild, type CallbackChildEvents } from './callback-pool.ts';
import { TriggerPool, type TriggerChild, type TriggerChildEvents } from './trigger-pool.ts';

/** What a triggerer is given. */
export interface TriggererParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly hostname: string;
  readonly pid: number;
  /** Whether no other triggerer can be alive (embedded database): what earlier ones held is then free at once. */
  readonly isAlone: boolean;
  /** Where children find the code of a dag file at a bundle version. */
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  readonly logsFolder: string;
  /** Takes secrets out of what the code of triggers and callbacks logs. @default nothing is taken out */
  readonly maskRecord?: (record: LogRecord) => LogRecord;
  /** Opens the secrets that a task handed to its trigger, and seals those that the trigger hands back. @default both pass as they are */
  readonly sealer?: Pick<ValueSealer, 'openJson' | 'sealJson' | 'refreshKeys'>;
  readonly startTriggerChild: (events: TriggerChildEvents) => TriggerChild;
  readonly startCallbackChild: (events: CallbackChildEvents) => CallbackChild;
  /** Called after a commit that made triggers fire. */
  readonly onFired: () => void;
  /** Most triggers that wait here. @default 10_000 */
  readonly capacity?: number;
  /** Most triggers of one child. @default 1_000 */
  readonly triggersPerChild?: number;
  /** Longest time that one list of callbacks may take. @default 30_000 */
  readonly callbackTimeoutMs?: number;
  /** Lists of callbacks that are called at the same time. @default 2 */
  readonly callbackParallelism?: number;
  /** How long the triggers of a silent triggerer stay its own, in milliseconds. @default 10_000 */
  readonly leaseMs?: number;
  /** How often the lease is renewed and recovery looks around, in milliseconds. @default 3_000 */
  readonly recoveryIntervalMs?: number;
}

export const DEFAULT_CAPACITY = 10_000;
export const DEFAULT_LEASE_MS = 10_000;
export const DEFAULT_RECOVERY_INTERVAL_MS = 3_000;
const DEFAULT_CALLBACK_TIMEOUT_MS = 30_000;
export const DEFAULT_CALLBACK_PARALLELISM = 2;

/** A trigger that runs here. */
interface HeldTrigger {
  readonly claimed: ClaimedTrigger;
  readonly append: (record: LogRecord) => void;
}

/** Everything that a triggerer knows. Only the passes of its loop, and what they started, change it. */
export interface TriggererState {
  readonly parts: TriggererParts;
  /** The incarnation that holds triggers and callbacks: id of the job. Changes where a lease was lost. */
  term: number;
  pool: TriggerPool;
  readonly callbacks: CallbackPool;
  readonly authorLog: AuthorLog;
  /** By the number that it has in its child. */
  readonly held: Map<number, HeldTrigger>;
  /** The numbers of the same, by name. */
  readonly numbers: Map<string, number>;
  lastNumber: number;
  /** Events that are not stored yet, oldest first. */
  readonly fired: FiredTrigger[];
  /** The callback requests that are being carried out, by id. */
  readonly calling: Map<string, Promise<void>>;
  nextRecoveryAt: number;
  /** Not before this is it found out which triggers are not wanted any more, however often somebody wakes the loop. */
  nextSweepAt: number;
  readonly wake: () => void;
}

/** A triggerer that holds nothing yet. */
export function createTriggererState(parts: TriggererParts, term: number, wake: () => void): TriggererState {
  const { clock, startCallbackChild, callbackTimeoutMs, callbackParallelism } = parts;
  const state: TriggererState = {
    parts,
    term,
    pool: createPool(parts, () => state),
    callbacks: new CallbackPool({
      clock,
      createChild: startCallbackChild,
      timeoutMs: callbackTimeoutMs ?? DEFAULT_CALLBACK_TIMEOUT_MS,
      parallelism: callbackParallelism ?? DEFAULT_CALLBACK_PARALLELISM,
    }),
    authorLog: new AuthorLog(parts.log, parts.maskRecord),
    held: new Map(),
    numbers: new Map(),
    lastNumber: 0,
    fired: [],
    calling: new Map(),
    nextRecoveryAt: clock.now(),
    nextSweepAt: clock.now(),
    wake,
  };
  return state;
}

/** Ends everything that runs and begins with nothing, under another term: what was held is somebody else's. */
export async function startOver(state: TriggererState, term: number): Promise<void> {
  await state.pool.stop();
  state.held.clear();
  state.numbers.clear();
  state.fired.length = 0;
  state.pool = createPool(state.parts, () => state);
  state.term = term;
}

/** The name of a trigger: its task instance and the epoch at which that was deferred. */
export function triggerName({ taskInstanceId, epoch }: { readonly taskInstanceId: string; readonly epoch: number }): string {
  return `${taskInstanceId}.${epoch}`;
}

function createPool({ clock, log, startTriggerChild, triggersPerChild, sealer }: TriggererParts, state: () => TriggererState): TriggerPool {
  return new TriggerPool({
    clock,
    log,
    createChild: startTriggerChild,
    ...(triggersPerChild === undefined ? {} : { triggersPerChild }),
    onLog: (number, record) => state().held.get(number)?.append(record),
    onFired(number, event) {
      const { held, numbers, fired, wake } = state();
      const trigger = held.get(number);
      if (trigger === undefined) return;
      const { taskInstanceId, epoch } = trigger.claimed;
      held.delete(number);
      numbers.delete(triggerName(trigger.claimed));
      fired.push({ taskInstanceId, epoch, event: sealEvent(event, sealer) });
      wake();
    },
  });
}

/** The event as it is stored. One that cannot be made safe is not stored. */
function sealEvent(event: TriggerEvent, sealer: TriggererParts['sealer']): TriggerEvent {
  if (!event.ok || sealer === undefined) return event;
  try {
    return { ok: true, json: sealer.sealJson(event.json) };
  } catch (error) {
    return { ok: false, message: `what the trigger returned could not be sealed: ${messageOf(error)}` };
  }
}
