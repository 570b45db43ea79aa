import type { JsonObject } from './json.ts';

/** Where events of an asset go when they leave the environment. */
export interface PublishTarget {
  readonly transport: 'sns';
  /** A topic's name in the environment's own account and region, or its ARN. */
  readonly topic: string;
}

/** Where events of an asset come from when another environment publishes them. */
export interface WatcherSource {
  readonly transport: 'sqs';
  /** A queue's name in the environment's own account and region, or its URL. */
  readonly queue: string;
  /** Only messages of this CloudEvents type are events of the asset; without it every message on the queue is. */
  readonly type?: string;
}

/** An asset as a serialized dag carries it. Identity is (name, uri), as in Airflow. */
export interface SerializedAsset {
  readonly name: string;
  readonly uri: string;
  readonly group: string;
  readonly extra?: JsonObject;
  /** CloudEvents type of the events that this asset publishes. */
  readonly eventType: string;
  readonly publish?: PublishTarget;
  readonly watchers: readonly WatcherSource[];
}

/** An event of an asset as a task emitted it: the value is JSON text, checked in the task's process. */
export interface EmittedEvent {
  readonly assetName: string;
  readonly extraJson: string;
  /** Set where it was emitted through an alias: the asset is made with this uri and group where there is none of the name. */
  readonly via?: { readonly alias: string; readonly uri: string; readonly group: string };
}

/** What the event of an asset carries whose task said nothing about it. */
export const EMPTY_EXTRA_JSON = '{}';

/** The events of a try that succeeded: those that it emitted, and one for each outlet that it emitted nothing of (adr/0013). */
export function eventsOfSuccess(outlets: readonly string[], emitted: readonly EmittedEvent[]): readonly EmittedEvent[] {
  const said = new Set(emitted.map(({ assetName }) => assetName));
  const silent = outlets.filter((assetName) => !said.has(assetName));
  return [...emitted, ...silent.map((assetName) => ({ assetName, extraJson: EMPTY_EXTRA_JSON }))];
}
