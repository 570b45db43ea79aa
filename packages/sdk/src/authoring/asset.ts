import {
  encodeJson,
  isAssetName,
  type JsonObject,
  type JsonValue,
  type PublishTarget,
  type SerializedAsset,
  type WatcherSource,
} from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { assetRef } from './asset-reference.ts';
import { checkFields, readText, type Unchecked } from './check-fields.ts';
import { deepFreeze } from './deep-freeze.ts';
import { showValue } from './show-value.ts';

declare const EXTRA: unique symbol;

/** Marks an asset. A registered symbol, because a dag file may mix two copies of this package. */
const ASSET: unique symbol = Symbol.for('tradewind.asset.v1') as never;

/** Data that dags produce and consume, by name. Its events carry an `Extra`. Frozen. */
export interface Asset<out Extra = JsonValue> extends SerializedAsset {
  /** Exists for the compiler alone. */
  readonly [EXTRA]: Extra;
}

/** An asset whose events may carry anything. */
export type AnyAsset = Asset<unknown>;
/** What the events of an asset carry. */
export type ExtraOf<A> = A extends Asset<infer Extra> ? Extra : never;

/** What an asset is besides its name. */
export interface AssetOptions {
  /** Where the data is. Identity is name and uri together, as in Airflow. @default the name */
  readonly uri?: string;
  /** @default 'asset' */
  readonly group?: string;
  /** Facts about the asset itself; not part of its identity, and not what its events carry. */
  readonly extra?: JsonObject;
  /** CloudEvents type of the events that leave this environment. @default '<name>.completed' */
  readonly eventType?: string;
  /** Where events go when they leave the environment; without it they stay inside. */
  readonly publish?: PublishTarget;
  /** Where events come from that other environments publish. @default [] */
  readonly watchers?: readonly WatcherSource[];
}

const ASSET_FIELDS = { uri: true, group: true, extra: true, eventType: true, publish: true, watchers: true } as const;
const MAX_URI_LENGTH = 1_500;
const MAX_GROUP_LENGTH = 250;
const MAX_EVENT_TYPE_LENGTH = 512;

/**
 * Declares an asset: something that one dag's task produces (`outlets`) and that starts another dag (`schedule`). `Extra` is what
 * its events carry; `context.emit` and `context.events` are typed by it.
 *
 * Throws a `DefinitionError` for a bad name or option.
 *
 * @example
 * export const warehouse = asset<{ rows: number }>('warehouse_orders', { uri: 's3://warehouse/orders' });
 * dag('report', { schedule: warehouse }, (d) => {
 *   d.task('read', { run: (_, context) => context.events().map((event) => event.extra.rows) });
 * });
 */
export function asset<Extra = JsonValue>(name: string, options: AssetOptions = {}): Asset<Extra> {
  const where = `asset ${JSON.stringify(name)}`;
  if (typeof name !== 'string' || !isAssetName(name)) {
    throw new DefinitionError(where, 'a name is 1 to 250 printable ASCII characters and not blank');
  }
  const fields = checkFields(where, 'the options of asset()', options, ASSET_FIELDS);
  const serialized = readAsset(where, name, fields);
  return deepFreeze(Object.defineProperty(serialized, ASSET, { value: true })) as unknown as Asset<Extra>;
}

/**
 * Refers to an asset that another dag declares, by name or by uri. It need not exist yet.
 *
 * @example
 * dag('report', { schedule: [orders, asset.ref<{ rows: number }>({ name: 'customers' })] }, define);
 */
asset.ref = assetRef;

/** Whether a value is an asset. */
export function isAsset(value: unknown): value is AnyAsset {
  return typeof value === 'object' && value !== null && (value as { [ASSET]?: true })[ASSET] === true;
}

function readAsset(where: string, name: string, fields: Unchecked<AssetOptions>): SerializedAsset {
  const extra = readExtra(where, fields.extra);
  const publish = readTransport(where, 'publish', fields.publish) as PublishTarget | undefined;
  return {
    name,
    uri: readUri(where, fields.uri ?? name),
    group: readText(where, 'group', fields.group, MAX_GROUP_LENGTH) ?? 'asset',
    ...(extra === undefined ? {} : { extra }),
    eventType: readEventType(where, fields.eventType) ?? `${name}.completed`,
    ...(publish === undefined ? {} : { publish }),
    watchers: readWatchers(where, fields.watchers),
  };
}

function readUri(where: string, value: unknown): string {
  const uri = readText(where, 'uri', value, MAX_URI_LENGTH) ?? '';
  if (uri.trim() === '') throw new DefinitionError(where, 'uri is blank; leave it out to use the name');
  if (/^airflow:/i.test(uri)) throw new DefinitionError(where, `uri is ${showValue(uri)}; the scheme airflow is reserved`);
  return uri;
}

function readEventType(where: string, value: unknown): string | undefined {
  const eventType = readText(where, 'eventType', value, MAX_EVENT_TYPE_LENGTH);
  if (eventType?.trim() === '') throw new DefinitionError(where, 'eventType is blank; leave it out to use the name and ".completed"');
  return eventType;
}

function readExtra(where: string, value: unknown): JsonObject | undefined {
  if (value === undefined) return undefined;
  const encoded = encodeJson(value);
  if (!encoded.ok) throw new DefinitionError(where, `extra is not JSON: ${encoded.problem.path} ${encoded.problem.reason}`);
  if (!encoded.json.startsWith('{')) throw new DefinitionError(where, `extra must be an object and not ${showValue(value)}`);
  return JSON.parse(encoded.json) as JsonObject;
}

function readWatchers(where: string, value: unknown): readonly WatcherSource[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new DefinitionError(where, 'watchers must be a list, such as [sqs("orders")]');
  return value.map((watcher, index) => readTransport(where, `watchers[${index}]`, watcher) as WatcherSource);
}

function readTransport(where: string, field: string, value: unknown): object | undefined {
  if (value === undefined) return undefined;
  const transport = typeof value === 'object' && value !== null ? (value as { transport?: unknown }).transport : undefined;
  if (typeof transport !== 'string') {
    throw new DefinitionError(
      where,
      `${field} is ${showValue(value)}; use a provider’s function, such as sns() or sqs() of @tradewind/provider-aws`,
    );
  }
  return { ...(value as object) };
}
