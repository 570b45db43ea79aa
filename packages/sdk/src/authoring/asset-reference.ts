import { isAssetName, type AssetReference, type JsonValue } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { checkFields } from './check-fields.ts';
import { showValue } from './show-value.ts';

declare const EXTRA: unique symbol;

/** Mark references and aliases. Registered symbols, because a dag file may mix two copies of this package. */
const ASSET_REF: unique symbol = Symbol.for('tradewind.asset-ref.v1') as never;
const ASSET_ALIAS: unique symbol = Symbol.for('tradewind.asset-alias.v1') as never;

const MAX_URI_LENGTH = 1_500;

/** An asset that another dag declares, by its name or its uri. Looked up whenever an event comes. Frozen. */
export interface AssetRef<out Extra = JsonValue> {
  readonly reference: Exclude<AssetReference, { readonly alias: string }>;
  /** Exists for the compiler alone. */
  readonly [EXTRA]: Extra;
}

/** A name for assets that tasks choose while they run. Frozen. */
export interface AssetAlias<out Extra = JsonValue> {
  readonly name: string;
  /** Exists for the compiler alone. */
  readonly [EXTRA]: Extra;
  readonly [ASSET_ALIAS]: true;
}

/** A reference to an asset whose events may carry anything. */
export type AnyAssetRef = AssetRef<unknown>;
/** An alias of assets whose events may carry anything. */
export type AnyAssetAlias = AssetAlias<unknown>;

/**
 * Refers to an asset that another dag declares. It need not exist yet: whatever asset has the name or the uri when an event comes is meant.
 *
 * Throws a `DefinitionError` for anything but one name or one uri.
 */
export function assetRef<Extra = JsonValue>(reference: { readonly name: string } | { readonly uri: string }): AssetRef<Extra> {
  const where = `asset.ref(${showValue(reference)})`;
  const { name, uri } = checkFields(where, 'a reference', reference, { name: true, uri: true });
  if ((name === undefined) === (uri === undefined)) throw new DefinitionError(where, 'give either { name } or { uri }');
  if (name !== undefined && (typeof name !== 'string' || !isAssetName(name))) {
    throw new DefinitionError(where, 'a name is 1 to 250 printable ASCII characters and not blank');
  }
  if (uri !== undefined && (typeof uri !== 'string' || uri.trim() === '' || uri.length > MAX_URI_LENGTH)) {
    throw new DefinitionError(where, `a uri is a text of 1 to ${MAX_URI_LENGTH} characters and not blank`);
  }
  const made = { reference: Object.freeze({ ...reference }), [ASSET_REF]: true };
  return Object.freeze(made) as unknown as AssetRef<Extra>;
}

/**
 * Declares an alias: a task that has it among its outlets says with `context.emit(alias, { asset, extra })` which asset it changed, also one that no
 * dag declares. A dag scheduled on the alias runs for every asset that was emitted through it.
 *
 * Throws a `DefinitionError` for a bad name.
 *
 * @example
 * const partitions = assetAlias('order_partitions');
 * d.task('write', { outlets: [partitions], run: (_, context) => {
 *   context.emit(partitions, { asset: asset('orders_eu'), extra: { rows: 3 } });
 * } });
 */
export function assetAlias<Extra = JsonValue>(name: string): AssetAlias<Extra> {
  if (typeof name !== 'string' || !isAssetName(name)) {
    throw new DefinitionError(`asset alias ${JSON.stringify(name)}`, 'a name is 1 to 250 printable ASCII characters and not blank');
  }
  const made = Object.defineProperty({ name }, ASSET_ALIAS, { value: true });
  return Object.freeze(made) as unknown as AssetAlias<Extra>;
}

/** Whether a value is a reference to an asset. */
export function isAssetRef(value: unknown): value is AnyAssetRef {
  return typeof value === 'object' && value !== null && (value as { [ASSET_REF]?: true })[ASSET_REF] === true;
}

/** Whether a value is an alias. */
export function isAssetAlias(value: unknown): value is AnyAssetAlias {
  return typeof value === 'object' && value !== null && (value as { [ASSET_ALIAS]?: true })[ASSET_ALIAS] === true;
}
