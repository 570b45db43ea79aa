import { z } from 'zod';
import {
  assetLeaves,
  MAX_ASSET_CONDITION_DEPTH,
  MAX_ASSET_CONDITION_LEAVES,
  MAX_BATCH_EVENTS,
  type AssetCondition,
  type SerializedAssetSchedule,
} from '../asset-condition.ts';
import { MAX_DURATION_MS } from '../duration.ts';
import { isAssetName } from '../identifiers.ts';

const assetName = z.string().refine(isAssetName, 'is not a valid asset name');
const leaf = z.union([
  assetName,
  z.strictObject({ name: assetName }),
  z.strictObject({ uri: z.string().min(1).max(1_500) }),
  z.strictObject({ alias: assetName }),
]);

/** Written out to the depth that is allowed, so that no input can make the check itself recurse further. */
const condition = nestedCondition(MAX_ASSET_CONDITION_DEPTH);
const conditions = z.array(condition).min(1);

const options = {
  runs: z.enum(['each_event', 'batch']).exactOptional(),
  batchWindowMs: z.int().min(1).max(MAX_DURATION_MS).exactOptional(),
  batchMaxEvents: z.int().min(1).max(MAX_BATCH_EVENTS).exactOptional(),
  whilePaused: z.enum(['queue', 'drop']).exactOptional(),
};

/** What the dag processor accepts as a schedule of asset events. */
export const assetScheduleSchema = z
  .strictObject({ kind: z.literal('asset'), any: conditions.exactOptional(), all: conditions.exactOptional(), ...options })
  .refine(({ any, all }) => (any === undefined) !== (all === undefined), 'names its assets under "any" or under "all", and not under both')
  .refine(
    ({ any = [], all = [] }) => [...any, ...all].flatMap(assetLeaves).length <= MAX_ASSET_CONDITION_LEAVES,
    `names more than ${MAX_ASSET_CONDITION_LEAVES} assets; use an alias, or several dags`,
  ) as unknown as z.ZodType<SerializedAssetSchedule> & z.core.$ZodTypeDiscriminable;

function nestedCondition(depth: number): z.ZodType<AssetCondition> {
  if (depth === 1) return leaf;
  const nested = z.array(nestedCondition(depth - 1)).min(1);
  return z.union([leaf, z.strictObject({ any: nested }), z.strictObject({ all: nested })]);
}
