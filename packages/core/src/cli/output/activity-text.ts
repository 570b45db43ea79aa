import { styleText } from 'node:util';
import type { PublishTarget } from '@tradewind/protocol';
import type { Activity } from '../../platform/activity.ts';
import { formatDuration } from './format-values.ts';

/** How lines about activities are laid out. */
export interface ActivityLayout {
  /** Where they go: decides about colour. */
  readonly stream: NodeJS.WritableStream;
  /** Widths of the columns dag, task and state. */
  readonly widths: readonly [number, number, number];
}

/** Columns that most names fit in, so that a line stays below 80 characters with an environment's name before it. */
export const DEFAULT_WIDTHS: ActivityLayout['widths'] = [18, 16, 15];

const COLOURS: Readonly<Record<string, 'green' | 'red' | 'yellow' | 'cyan' | 'dim'>> = {
  success: 'green',
  failed: 'red',
  upstream_failed: 'red',
  quarantined: 'red',
  up_for_retry: 'yellow',
  skipped: 'dim',
  duplicate: 'dim',
  running: 'cyan',
};

/**
 * An activity as a line for people: who, what, how it ended, how long. Undefined for what is of no interest while it happens, such as the start of a try. A
 * reason stands on a second line.
 * @param tookMs how long a run took, which an activity does not say
 */
export function formatActivity(activity: Activity, layout: ActivityLayout, tookMs?: number): string | undefined {
  switch (activity.type) {
    case 'dag_run':
      if (activity.state === 'queued') return undefined;
      return layOut([activity.dagId, 'run', activity.state, took(tookMs)], layout);
    case 'task_instance': {
      if (activity.state === 'running') return undefined;
      const line = layOut([activity.dagId, activity.taskId, activity.state, took(activity.durationMs)], layout);
      return activity.reason === undefined ? line : `${line}\n  ${activity.reason}`;
    }
    case 'event_emitted':
      return `${activity.dagId} emitted an event of ${activity.assetName}`;
    case 'event_published':
      return `event published to ${describeTarget(activity.target)}`;
    case 'message_received':
      return `event received from ${activity.subscription.replace(':', ' ')}: ${coloured(activity.outcome, layout.stream)}`;
  }
}

function layOut([who, what, state, rest]: readonly [string, string, string, string], { stream, widths }: ActivityLayout): string {
  const stateCell = coloured(state, stream) + ' '.repeat(Math.max(0, widths[2] - state.length));
  return [who.padEnd(widths[0]), what.padEnd(widths[1]), stateCell, rest].join('  ').trimEnd();
}

function coloured(state: string, stream: NodeJS.WritableStream): string {
  const colour = COLOURS[state];
  return colour === undefined ? state : styleText(colour, state, { stream });
}

function took(ms: number | undefined): string {
  return ms === undefined ? '' : formatDuration(ms);
}

/** Where an event went: `sns customer_master`. */
function describeTarget(json: string): string {
  const { transport, topic } = JSON.parse(json) as PublishTarget;
  return `${transport} ${topic}`;
}
