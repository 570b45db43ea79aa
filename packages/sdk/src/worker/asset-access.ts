import {
  encodeJson,
  EMPTY_EXTRA_JSON,
  eventsOfSuccess,
  MAX_EVENTS_PER_TRY,
  type EmittedEvent,
  type JsonValue,
  type TriggeringEvent,
  type TryContext,
} from '@tradewind/protocol';
import { isAssetAlias, isAssetRef } from '../authoring/asset-reference.ts';
import { isAsset, type AnyAsset } from '../authoring/asset.ts';
import type { AssetEvent, InletEventsOptions, TaskContext } from '../authoring/task-context.ts';
import { BadValueError, FailTask, RequestError } from '../errors.ts';
import type { Ask } from './request-channel.ts';

/** What a task may do with assets. */
export interface AssetAccessParts {
  readonly triggeringEvents: TryContext['triggeringEvents'];
  /** Names of the assets that the task may emit events of. */
  readonly outlets: readonly string[];
  /** Names of the aliases that it may emit events through. @default [] */
  readonly outletAliases?: readonly string[];
  /** Names of the assets that it may read events of. @default [] */
  readonly inlets?: readonly string[];
  readonly ask: Ask;
}

/** The part of a task's context that is about assets. */
export interface AssetAccess extends Pick<TaskContext, 'emit' | 'events' | 'triggeringAssetEvents' | 'inletEvents'> {}

/** That part, and the way to read what was emitted through it. */
export interface CreatedAssetAccess {
  readonly access: AssetAccess;
  /**
   * The events of a try that succeeds now: those emitted, and one for each outlet about which nothing was said. Ends emitting: an `emit` after this call throws, because
   * its event would be lost in silence.
   */
  readonly emitted: () => EmittedEvent[];
}

/** Makes the part of a context that is about assets, for one try. */
export function createAssetAccess(parts: AssetAccessParts): CreatedAssetAccess {
  const { triggeringEvents, outlets } = parts;
  const events: EmittedEvent[] = [];
  let isOver = false;
  const access = {
    emit(target: unknown, extra: unknown): void {
      if (isOver) throw new FailTask('emit() was called after the task had ended; await everything that the task starts');
      const event = isAssetAlias(target) ? throughAlias(target.name, extra, parts) : ofOutlet(target, extra, parts);
      const place = eventsOfSuccess(outlets, [...events, event]).length;
      if (place > MAX_EVENTS_PER_TRY) {
        throw new FailTask(`this is event ${place} of one try, and at most ${MAX_EVENTS_PER_TRY} are kept; put lists into one event`);
      }
      events.push(event);
    },
    events: () => triggeringEvents.map(readAssetEvent),
    triggeringAssetEvents(asset: unknown) {
      const name = nameOf(asset, 'triggeringAssetEvents()');
      return triggeringEvents.filter(({ assetName }) => assetName === name).map(readAssetEvent);
    },
    inletEvents: (asset: unknown, options: InletEventsOptions = {}) => askForEvents(parts, asset, options),
  };
  return {
    access: access as unknown as AssetAccess,
    emitted() {
      isOver = true;
      return [...eventsOfSuccess(outlets, events)];
    },
  };
}

function ofOutlet(asset: unknown, extra: unknown, { outlets }: AssetAccessParts): EmittedEvent {
  if (!isAsset(asset)) throw new FailTask('emit() takes an asset, as asset() returned it, and then the event’s extra');
  if (outlets.includes(asset.name)) return { assetName: asset.name, extraJson: encodeExtra(asset.name, extra) };
  throw new FailTask(
    `asset "${asset.name}" is not one of the task’s outlets (${listed(outlets)}); add it to the task: outlets: [${asset.name}]`,
  );
}

function throughAlias(alias: string, given: unknown, { outletAliases = [] }: AssetAccessParts): EmittedEvent {
  if (!outletAliases.includes(alias)) {
    throw new FailTask(
      `alias "${alias}" is not one of the task’s outlets (${listed(outletAliases)}); add it to the task: outlets: [${alias}]`,
    );
  }
  const { asset, extra } = (given ?? {}) as { readonly asset?: unknown; readonly extra?: unknown };
  if (!isAsset(asset)) {
    throw new FailTask(`emit() of alias "${alias}" takes { asset, extra } with the asset that is meant, as asset() returned it`);
  }
  const { name, uri, group }: AnyAsset = asset;
  return {
    assetName: name,
    extraJson: extra === undefined ? EMPTY_EXTRA_JSON : encodeExtra(name, extra),
    via: { alias, uri, group },
  };
}

/** How many events are asked for where nothing is said. */
const DEFAULT_LIMIT = 100;
const MOST_EVENTS = 1_000;

async function askForEvents(
  { inlets = [], ask }: AssetAccessParts,
  asset: unknown,
  { after, before, limit = DEFAULT_LIMIT, newestFirst = false }: InletEventsOptions,
): Promise<readonly AssetEvent[]> {
  const assetName = nameOf(asset, 'inletEvents()');
  if (!inlets.includes(assetName)) {
    throw new FailTask(
      `asset "${assetName}" is not one of the task’s inlets (${listed(inlets)}); add it to the task: inlets: [${assetName}]`,
    );
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_EVENTS) {
    throw new FailTask(`inletEvents() takes a limit from 1 to ${MOST_EVENTS} and not ${String(limit)}`);
  }
  const response = await ask({
    kind: 'asset_events',
    assetName,
    limit,
    ...(after === undefined ? {} : { after: Temporal.Instant.from(after).toString() }),
    ...(before === undefined ? {} : { before: Temporal.Instant.from(before).toString() }),
    ...(newestFirst ? { newestFirst: true } : {}),
  });
  if (!response.ok) throw new RequestError(response.code, response.message);
  return (response.value as unknown as readonly TriggeringEvent[]).map(readAssetEvent);
}

function nameOf(asset: unknown, method: string): string {
  if (isAsset(asset)) return asset.name;
  if (isAssetRef(asset) && 'name' in asset.reference) return asset.reference.name;
  throw new FailTask(`${method} takes an asset, as asset() returned it, or asset.ref({ name })`);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'it has none' : `they are ${names.map((name) => `"${name}"`).join(', ')}`;
}

function encodeExtra(assetName: string, extra: unknown): string {
  const encoded = encodeJson(extra);
  if (encoded.ok) return encoded.json;
  throw new BadValueError(`the event of asset "${assetName}" cannot be kept: ${encoded.problem.path} ${encoded.problem.reason}`);
}

function readAssetEvent({ timestamp, ...event }: TriggeringEvent): AssetEvent<JsonValue> {
  return { ...event, timestamp: Temporal.Instant.from(timestamp) };
}
