import {
  decodeJson,
  MAX_FAILURE_DETAIL_LENGTH,
  type Deferral,
  type JsonObject,
  type Resumption,
  type TryOutcome,
  type Workload,
} from '@tradewind/protocol';
import { Masker } from '../../model/masking/masker.ts';
import type { ValueSealer } from '../../model/masking/value-sealer.ts';
import { messageOf } from '../../platform/errors.ts';

/** What keeps secrets out of what a try leaves behind. */
export interface TrySecrets {
  readonly masker: Masker;
  /** @default values pass as they are */
  readonly sealer?: ValueSealer;
}

/** For executors that nobody told a secret. */
export function noSecrets(): TrySecrets {
  return { masker: new Masker() };
}

/** The workload as its process gets it: with the secrets that other tasks passed on. Throws where a value does not open. */
export function openWorkload(workload: Workload, { sealer }: TrySecrets): Workload {
  if (sealer === undefined) return workload;
  const { inputsJson, context, resumption } = workload;
  return {
    ...workload,
    inputsJson: Object.fromEntries(Object.entries(inputsJson).map(([name, json]) => [name, sealer.openJson(json)])),
    context: { ...context, params: sealer.openValue(context.params) as JsonObject },
    ...(resumption === undefined ? {} : { resumption: openResumption(resumption, sealer) }),
  };
}

function openResumption({ stateJson, event }: Resumption, sealer: ValueSealer): Resumption {
  return { stateJson: sealer.openJson(stateJson), event: event.ok ? { ...event, json: sealer.openJson(event.json) } : event };
}

/** The outcome as everybody but the tasks below may see it: texts masked, secrets in values sealed. */
export function guardOutcome(outcome: TryOutcome, { masker, sealer }: TrySecrets): TryOutcome {
  try {
    switch (outcome.result) {
      case 'success': {
        const { mapIndexLabel } = outcome;
        const valueJson = sealer === undefined ? outcome.valueJson : sealer.sealJson(outcome.valueJson);
        return { ...outcome, valueJson, ...(mapIndexLabel === undefined ? {} : { mapIndexLabel: masker.mask(mapIndexLabel) }) };
      }
      case 'skipped':
        return { ...outcome, reason: maskText(outcome.reason, masker) };
      case 'rescheduled':
        return outcome;
      case 'deferred':
        return sealer === undefined ? outcome : { ...outcome, deferral: sealDeferral(outcome.deferral, sealer) };
      case 'failed': {
        const { kind, message, detail } = outcome.failure;
        const failure = { kind, message: maskText(message, masker) };
        return { result: 'failed', failure: detail === undefined ? failure : { ...failure, detail: maskText(detail, masker) } };
      }
    }
  } catch (error) {
    // What cannot be made safe is not passed on.
    return { result: 'failed', failure: { kind: 'error', message: `what the task left behind could not be sealed: ${messageOf(error)}` } };
  }
}

/** What a deferred task keeps for itself, and what it hands to the code of its trigger. */
function sealDeferral({ trigger, stateJson, ...rest }: Deferral, sealer: ValueSealer): Deferral {
  const sealed = trigger.kind === 'code' ? { ...trigger, argsJson: sealer.sealJson(trigger.argsJson) } : trigger;
  return { ...rest, trigger: sealed, stateJson: sealer.sealJson(stateJson) };
}

/** The child has cut a text that is as long as texts may be: half a secret at its end goes, too. */
function maskText(text: string, masker: Masker): string {
  return text.length < MAX_FAILURE_DETAIL_LENGTH ? masker.mask(text) : masker.maskCut(text.replace(/…$/, ''));
}

/** What stands in a log in the place of a line that could not be masked: lost is better than shown, and silence is worse than both. */
const UNMASKABLE = '*** (this line could not be masked)';

/** A line as the log keeps it. */
export function maskLine(text: string, isCut: boolean, masker: Masker): string {
  try {
    return isCut ? masker.maskCut(text) : masker.mask(text);
  } catch {
    return UNMASKABLE;
  }
}

/** A record as the log keeps it; undefined for a text that is no JSON. */
export function maskRecord(json: string, masker: Masker): unknown {
  let record: unknown;
  try {
    record = decodeJson(json);
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return record;
  const { timestamp, level, logger, ...rest } = record as Record<string, unknown>;
  try {
    return { ...(masker.maskValue(rest) as object), timestamp, level, logger };
  } catch {
    return { timestamp, level, logger, event: UNMASKABLE };
  }
}
