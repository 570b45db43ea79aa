import { DefinitionError } from '../errors.ts';
import { isAssetAlias, isAssetRef, type AnyAssetAlias, type AnyAssetRef } from './asset-reference.ts';
import { isAsset, type AnyAsset } from './asset.ts';
import { showValue } from './show-value.ts';

/** What a task may emit events of: an asset, or an alias of assets that it names while it runs. */
export type Outlet = AnyAsset | AnyAssetAlias;
/** What a task may read events of: an asset, or one that another dag declares, by its name. */
export type Inlet = AnyAsset | AnyAssetRef;

/** The assets of a task, as its author listed them. */
export interface CheckedTaskAssets {
  readonly outlets: readonly AnyAsset[];
  /** Names. */
  readonly outletAliases: readonly string[];
  readonly inlets: readonly AnyAsset[];
  /** Names of the inlets that are references. */
  readonly inletReferences: readonly string[];
}

/** Reads the outlets and inlets of a task. Throws a `DefinitionError` for anything else in the lists. */
export function readTaskAssets(where: string, fields: { readonly outlets?: unknown; readonly inlets?: unknown }): CheckedTaskAssets {
  const outlets = readList(where, 'outlets', fields.outlets);
  const inlets = readList(where, 'inlets', fields.inlets);
  for (const [index, item] of outlets.entries()) {
    if (isAsset(item) || isAssetAlias(item)) continue;
    throw new DefinitionError(where, `outlets[${index}] is ${showValue(item)}; list assets, as asset() returns them, or aliases`);
  }
  return {
    outlets: outlets.filter(isAsset),
    outletAliases: outlets.filter(isAssetAlias).map(({ name }) => name),
    inlets: inlets.filter(isAsset),
    inletReferences: inlets.flatMap((item, index) => (isAsset(item) ? [] : [readReference(where, item, index)])),
  };
}

function readList(where: string, field: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new DefinitionError(where, `${field} must be a list of assets and not ${showValue(value)}`);
}

function readReference(where: string, item: unknown, index: number): string {
  if (isAssetRef(item) && 'name' in item.reference) return item.reference.name;
  throw new DefinitionError(
    where,
    `inlets[${index}] is ${showValue(item)}; list assets, as asset() returns them, or asset.ref({ name }), since events are read by name`,
  );
}
