import {
  conditionOf,
  isAssetConditionGroup,
  type AssetCondition,
  type AssetReference,
  type SerializedAssetSchedule,
} from '@tradewind/protocol';

/** An asset schedule in a few words, such as `asset orders`, or `orders and (returns or alias refunds), in batches`. */
export function summariseAssetSchedule(schedule: SerializedAssetSchedule): string {
  const { any, all } = conditionOf(schedule);
  const conditions = any ?? all ?? [];
  const isPlain = conditions.every((condition) => typeof condition === 'string');
  return `${isPlain ? summarisePlain(conditions, any !== undefined) : describe(conditionOf(schedule))}${schedule.runs === 'batch' ? ', in batches' : ''}`;
}

function summarisePlain(names: readonly string[], isAny: boolean): string {
  if (names.length === 1) return `asset ${names.join()}`;
  return `${isAny ? 'any' : 'all'} of the assets ${names.join(', ')}`;
}

function describe(condition: AssetCondition): string {
  if (typeof condition === 'string') return condition;
  if (!isAssetConditionGroup(condition)) return describeReference(condition);
  const [word, conditions] = condition.any === undefined ? [' and ', condition.all] : [' or ', condition.any];
  return conditions
    .map((nested) =>
      conditions.length > 1 && typeof nested !== 'string' && isAssetConditionGroup(nested) ? `(${describe(nested)})` : describe(nested),
    )
    .join(word);
}

function describeReference(reference: AssetReference): string {
  if ('name' in reference) return reference.name;
  return 'uri' in reference ? reference.uri : `alias ${reference.alias}`;
}
