import { DEFAULT_SENSOR_POKE_INTERVAL_MS, DEFAULT_SENSOR_TIMEOUT_MS, type SerializedSensor, type TriggerRule } from '@tradewind/protocol';
import { DefinitionError } from '../../errors.ts';
import type { AnyAsset } from '../asset.ts';
import { readBoolean } from '../check-fields.ts';
import { present } from '../present.ts';
import { readDuration, readPositiveDuration } from '../read-duration.ts';
import type { TaskFields, TaskKind } from '../read-task-spec.ts';
import { showNames, showValue } from '../show-value.ts';
import type { SensorSpec } from '../task-kinds.ts';
import type { Inputs } from '../task-spec.ts';
import { CODE_FIELDS, readFunction } from './common-fields.ts';

type AnySensorSpec = SensorSpec<Inputs, unknown, TriggerRule, readonly AnyAsset[], unknown, unknown>;

/** Every field of a sensor's spec; the compiler keeps the list complete. */
export const SENSOR_FIELDS: Readonly<Record<keyof AnySensorSpec, true>> = {
  ...CODE_FIELDS,
  poke: true,
  mode: true,
  pokeInterval: true,
  timeout: true,
  onFailure: true,
  exponentialBackoff: true,
  maxWait: true,
};

const MODES = ['poke', 'reschedule'] as const;
const FAILURES = ['fail', 'soft', 'never', 'silent'] as const;

/** A task that waits until something is there. */
export const SENSOR: TaskKind = {
  what: 'a sensor',
  fields: SENSOR_FIELDS,
  read: ({ where, fields }) => ({
    operator: 'sensor',
    code: { run: readFunction(where, 'poke', fields['poke']) },
    serialized: { sensor: readSensor(where, fields) },
  }),
};

function readSensor(where: string, fields: TaskFields): SerializedSensor {
  return {
    mode: readWord(where, 'mode', fields['mode'], MODES),
    pokeIntervalMs: readPositiveDuration(where, 'pokeInterval', fields['pokeInterval']) ?? DEFAULT_SENSOR_POKE_INTERVAL_MS,
    timeoutMs: readDuration(where, 'timeout', fields['timeout']) ?? DEFAULT_SENSOR_TIMEOUT_MS,
    onFailure: readWord(where, 'onFailure', fields['onFailure'], FAILURES),
    ...(readBoolean(where, 'exponentialBackoff', fields['exponentialBackoff'], false) ? { exponentialBackoff: true } : {}),
    ...present({ maxWaitMs: readPositiveDuration(where, 'maxWait', fields['maxWait']) }),
  };
}

/** One of some words; the first of them where it is absent. */
function readWord<const Word extends string>(where: string, field: string, value: unknown, words: readonly [Word, ...Word[]]): Word {
  if (value === undefined) return words[0];
  const word = words.find((known) => known === value);
  if (word !== undefined) return word;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; use one of ${showNames(words)}`);
}
