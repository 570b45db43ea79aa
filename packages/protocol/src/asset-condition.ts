/**
 * What must have happened to assets before a dag runs, as its author writes it: an event of one asset, of any of several, or of all of them, nested at will.
 * A text is the name of an asset that the dag describes.
 */
export type AssetCondition = string | AssetReference | AssetConditionGroup;

/** An asset that is looked up when an event comes, by name or by uri, or whatever an alias stands for by then. */
export type AssetReference = { readonly name: string } | { readonly uri: string } | { readonly alias: string };

/** Any of the conditions, or all of them. */
export type AssetConditionGroup =
  | { readonly any: readonly AssetCondition[]; readonly all?: never }
  | { readonly all: readonly AssetCondition[]; readonly any?: never };

/** What an asset schedule says besides its condition. A field that is absent has the default of adr/0012. */
export interface AssetScheduleOptions {
  /** A run for each event that completes the condition, or one run for what has come together. @default 'each_event' */
  readonly runs?: 'each_event' | 'batch';
  /** How long a batch stays open after its first event. @default it closes with the event that completes the condition */
  readonly batchWindowMs?: number;
  /** How many events close a batch that is still open, and how many one run takes at most. @default DEFAULT_BATCH_MAX_EVENTS */
  readonly batchMaxEvents?: number;
  /** What becomes of events that come while the dag is paused. @default 'queue' */
  readonly whilePaused?: 'queue' | 'drop';
}

/** A schedule of asset events. */
export type SerializedAssetSchedule = { readonly kind: 'asset' } & AssetConditionGroup & AssetScheduleOptions;

/** How many events one run of a batch takes where nothing else is said. Every task of the run is handed all of them. */
export const DEFAULT_BATCH_MAX_EVENTS = 100;
/** The largest `batchMaxEvents`. */
export const MAX_BATCH_EVENTS = 1_000;
/** How deep conditions may be nested, and how many assets one may name. */
export const MAX_ASSET_CONDITION_DEPTH = 8;
export const MAX_ASSET_CONDITION_LEAVES = 500;

/** The condition of an asset schedule, without its options. */
export function conditionOf(schedule: AssetConditionGroup): AssetConditionGroup {
  return schedule.any === undefined ? { all: schedule.all } : { any: schedule.any };
}

/** Every asset, reference and alias that a condition names, in the order in which they are written. */
export function assetLeaves(condition: AssetCondition): readonly (string | AssetReference)[] {
  if (typeof condition === 'string' || !isAssetConditionGroup(condition)) return [condition];
  return (condition.any ?? condition.all).flatMap(assetLeaves);
}

/** Whether a condition is made of others. */
export function isAssetConditionGroup(condition: AssetReference | AssetConditionGroup): condition is AssetConditionGroup {
  return 'any' in condition || 'all' in condition;
}

/**
 * Whether each event of an asset in the schedule is a run of its own, whatever else happens: the run is then asked for in the transaction of the event.
 * Of any other schedule the events wait in a queue until they complete the condition.
 */
export function isEachEventARun(schedule: SerializedAssetSchedule): boolean {
  return schedule.runs !== 'batch' && isAnyOnly(schedule);
}

function isAnyOnly(condition: AssetCondition): boolean {
  if (typeof condition === 'string' || !isAssetConditionGroup(condition)) return true;
  const conditions = condition.any ?? condition.all;
  return (condition.any !== undefined || conditions.length === 1) && conditions.every(isAnyOnly);
}

/** The names of the assets that a condition waits for and its dag describes, each once. */
export function assetNamesIn(condition: AssetCondition): readonly string[] {
  return [...new Set(assetLeaves(condition).filter((leaf) => typeof leaf === 'string'))];
}

/** An asset as a condition looks at it. */
export interface MatchedAsset {
  readonly name: string;
  readonly uri: string;
  /** The aliases that stand for it. */
  readonly aliases: readonly string[];
}

/** Whether an event of the asset counts for this name, reference or alias. */
export function isMeantBy(leaf: string | AssetReference, { name, uri, aliases }: MatchedAsset): boolean {
  if (typeof leaf === 'string') return leaf === name;
  if ('name' in leaf) return leaf.name === name;
  return 'uri' in leaf ? leaf.uri === uri : aliases.includes(leaf.alias);
}
