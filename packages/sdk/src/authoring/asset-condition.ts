import {
  assetLeaves,
  durationMs,
  isEachEventARun,
  MAX_ASSET_CONDITION_DEPTH,
  MAX_ASSET_CONDITION_LEAVES,
  MAX_BATCH_EVENTS,
  type AssetCondition,
  type AssetConditionGroup,
  type AssetScheduleOptions,
  type Duration,
  type SerializedAssetSchedule,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isAssetAlias, isAssetRef, type AnyAssetAlias, type AnyAssetRef, type AssetAlias, type AssetRef } from './asset-reference.ts';
import { isAsset, type AnyAsset, type Asset } from './asset.ts';
import { checkFields, readWholeNumber } from './check-fields.ts';
import { showValue } from './show-value.ts';

/** Whose events start a dag: an asset, a reference to one, or an alias. */
export type ScheduledAsset = AnyAsset | AnyAssetRef | AnyAssetAlias;

/** A condition on assets. A list means all of it. */
export type AssetConditionInput =
  | ScheduledAsset
  | readonly AssetConditionInput[]
  | { readonly any: readonly AssetConditionInput[] }
  | { readonly all: readonly AssetConditionInput[] };

/** How events become runs. */
export interface AssetScheduleSettings {
  /**
   * `each_event`: a run for each event that completes the condition, with one event of each asset that the condition needs. `batch`: one run for what has come together.
   * @default 'each_event'
   */
  readonly runs?: 'each_event' | 'batch';
  /** How long a batch stays open after its first event. @default it closes with the event that completes the condition */
  readonly window?: Duration;
  /** How many events close a batch that is still open, and how many one run takes at most, up to 1,000. @default 100 */
  readonly maxEvents?: number;
  /** What becomes of events that come while the dag is paused: they wait for it, or are dropped. @default 'queue' */
  readonly whilePaused?: 'queue' | 'drop';
}

/**
 * A schedule of asset events: an asset, a list of which all must have an event, or `{ any }` or `{ all }` with settings.
 *
 * @example
 * dag('report', { schedule: { any: [orders, customers] } }, define);
 * dag('join', { schedule: [orders, { any: [customers, asset.ref({ name: 'partners' })] }] }, define);
 * dag('load', { schedule: { any: [files], runs: 'batch', window: { minutes: 5 } } }, define);
 */
export type AssetSchedule =
  | ScheduledAsset
  | readonly AssetConditionInput[]
  | ({ readonly any: readonly AssetConditionInput[] } & AssetScheduleSettings)
  | ({ readonly all: readonly AssetConditionInput[] } & AssetScheduleSettings);

/** What the events of a condition carry. */
export type ExtraOfCondition<C> =
  C extends Asset<infer Extra>
    ? Extra
    : C extends AssetRef<infer Extra>
      ? Extra
      : C extends AssetAlias<infer Extra>
        ? Extra
        : C extends readonly (infer Item)[] | { readonly any: readonly (infer Item)[] } | { readonly all: readonly (infer Item)[] }
          ? ExtraOfItems<Item>
          : never;

/** Stops at the type of all conditions, which contains itself. */
type ExtraOfItems<Item> = [AssetConditionInput] extends [Item] ? unknown : ExtraOfCondition<Item>;

/** An asset schedule as data, and the assets that it describes. */
export interface CheckedAssetSchedule {
  readonly schedule: SerializedAssetSchedule;
  readonly assets: readonly AnyAsset[];
}

const SETTING_FIELDS = { runs: true, window: true, maxEvents: true, whilePaused: true } as const;
const SCHEDULE_FIELDS = { any: true, all: true, ...SETTING_FIELDS } as const;

/** Whether a value is meant as an asset schedule. */
export function isAssetSchedule(value: unknown): boolean {
  if (isScheduledAsset(value) || Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && ('any' in value || 'all' in value);
}

/**
 * Reads what is meant as an asset schedule.
 * @throws DefinitionError naming the place in it
 */
export function readAssetSchedule(where: string, value: unknown): CheckedAssetSchedule {
  const assets = new Set<AnyAsset>();
  const group = readGroup({ where, assets }, value);
  const schedule: SerializedAssetSchedule = { kind: 'asset', ...group, ...readSettings(where, value) };
  const leaves = assetLeaves(group).length;
  if (leaves > MAX_ASSET_CONDITION_LEAVES) {
    throw new DefinitionError(
      where,
      `schedule names ${leaves} assets, and at most ${MAX_ASSET_CONDITION_LEAVES} are taken; use an alias, or several dags`,
    );
  }
  checkBatch(where, schedule);
  return { schedule, assets: [...assets] };
}

interface Reading {
  readonly where: string;
  /** The assets found so far. */
  readonly assets: Set<AnyAsset>;
}

function readGroup(reading: Reading, value: unknown): AssetConditionGroup {
  if (isScheduledAsset(value)) return { any: [readItem(reading, value, { field: 'schedule', depth: 1 })] };
  if (Array.isArray(value)) return { all: readItems(reading, value, { field: 'schedule', depth: 1 }) };
  const fields = checkFields(reading.where, 'schedule', value, SCHEDULE_FIELDS);
  return readAnyOrAll(reading, fields, { field: 'schedule', depth: 1 });
}

interface Place {
  readonly field: string;
  readonly depth: number;
}

function readAnyOrAll(
  reading: Reading,
  { any, all }: { readonly any?: unknown; readonly all?: unknown },
  { field, depth }: Place,
): AssetConditionGroup {
  if (any !== undefined && all !== undefined) {
    throw new DefinitionError(reading.where, `${field} has both any and all; nest one in the other, such as { all: [a, { any: [b, c] }] }`);
  }
  return any === undefined
    ? { all: readItems(reading, all, { field: `${field}.all`, depth }) }
    : { any: readItems(reading, any, { field: `${field}.any`, depth }) };
}

function readItems(reading: Reading, value: unknown, { field, depth }: Place): readonly AssetCondition[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new DefinitionError(reading.where, `${field} is ${showValue(value)}; list at least one asset`);
  }
  if (depth >= MAX_ASSET_CONDITION_DEPTH) {
    throw new DefinitionError(reading.where, `${field} is nested more than ${MAX_ASSET_CONDITION_DEPTH} levels deep`);
  }
  const items = value.map((item: unknown, index) => readItem(reading, item, { field: `${field}[${index}]`, depth: depth + 1 }));
  return items.filter((item, index) => typeof item !== 'string' || items.indexOf(item) === index);
}

function readItem(reading: Reading, value: unknown, place: Place): AssetCondition {
  if (isAsset(value)) {
    reading.assets.add(value);
    return value.name;
  }
  if (isAssetRef(value)) return value.reference;
  if (isAssetAlias(value)) return { alias: value.name };
  if (Array.isArray(value)) return { all: readItems(reading, value, place) };
  if (typeof value === 'object' && value !== null && ('any' in value || 'all' in value)) {
    return readAnyOrAll(reading, checkFields(reading.where, place.field, value, { any: true, all: true }), place);
  }
  throw new DefinitionError(
    reading.where,
    `${place.field} is ${showValue(value)}; list assets, as asset() returns them, asset.ref(…), assetAlias(…), { any } or { all }`,
  );
}

function readSettings(where: string, value: unknown): AssetScheduleOptions {
  if (isScheduledAsset(value) || Array.isArray(value)) return {};
  const { runs, window, maxEvents, whilePaused } = value as Readonly<Record<keyof typeof SETTING_FIELDS, unknown>>;
  return {
    ...(runs === undefined ? {} : { runs: readWord(where, 'schedule.runs', runs, ['each_event', 'batch']) }),
    ...(window === undefined ? {} : { batchWindowMs: readWindow(where, window) }),
    ...(maxEvents === undefined
      ? {}
      : {
          batchMaxEvents: readWholeNumber(where, 'schedule.maxEvents', maxEvents, {
            minimum: 1,
            maximum: MAX_BATCH_EVENTS,
            otherwise: MAX_BATCH_EVENTS,
          }),
        }),
    ...(whilePaused === undefined ? {} : { whilePaused: readWord(where, 'schedule.whilePaused', whilePaused, ['queue', 'drop']) }),
  };
}

function readWord<const Word extends string>(where: string, field: string, value: unknown, words: readonly Word[]): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; use ${words.map((word) => `'${word}'`).join(' or ')}`);
}

function readWindow(where: string, value: unknown): number {
  const ms = typeof value === 'object' && value !== null ? durationMs(value) : undefined;
  if (ms !== undefined && ms > 0) return ms;
  throw new DefinitionError(where, `schedule.window is ${showValue(value)}; give a duration, such as { minutes: 5 }`);
}

function checkBatch(where: string, schedule: SerializedAssetSchedule): void {
  const { runs, batchWindowMs, batchMaxEvents } = schedule;
  if (runs !== 'batch') {
    if (batchWindowMs === undefined && batchMaxEvents === undefined) return;
    const setting = batchWindowMs === undefined ? 'maxEvents' : 'window';
    throw new DefinitionError(where, `schedule.${setting} says how batches close, and the schedule makes none; add runs: 'batch'`);
  }
  if (batchWindowMs !== undefined || batchMaxEvents !== undefined) return;
  if (!isEachEventARun({ ...schedule, runs: 'each_event' })) return;
  throw new DefinitionError(
    where,
    "schedule has runs: 'batch', but each event completes it, so every batch would hold one; give window: { minutes: 5 } or maxEvents",
  );
}

function isScheduledAsset(value: unknown): value is ScheduledAsset {
  return isAsset(value) || isAssetRef(value) || isAssetAlias(value);
}
