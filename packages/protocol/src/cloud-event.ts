import type { JsonValue } from './json.ts';

/** An event between environments: CloudEvents 1.0 in structured JSON mode, the body being the authority (adr/0008). */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** With `source` the identity: two messages with the same pair are the same event. */
  readonly id: string;
  /** URI reference of the producer: `/tradewind/<environment>/<dag id>`. */
  readonly source: string;
  readonly type: string;
  /** The dag run that emitted it. */
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly data?: JsonValue;
  readonly traceparent?: string;
  /** The event at the root of the chain that this one belongs to. */
  readonly correlationid?: string;
  /** The event that directly caused this one. */
  readonly causationid?: string;
}

/** Media type of a CloudEvent in structured JSON mode. */
export const CLOUD_EVENT_MEDIA_TYPE = 'application/cloudevents+json';

/** SNS drops messages with more attributes than this on raw delivery, so no more are ever sent. */
export const MAX_MESSAGE_ATTRIBUTES = 10;
