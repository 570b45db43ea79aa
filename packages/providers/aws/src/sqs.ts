import type { WatcherSource } from '@tradewind/protocol';
import { DefinitionError } from '@tradewind/sdk';

/** Amazon's rule for queue names (SQS API Reference, CreateQueue); FIFO queues end in `.fifo`, which counts. */
const QUEUE_NAME = /^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/;

/** A queue, and which of its messages are meant. */
export interface SqsSource {
  /** A name in the environment's own account and region, or a URL. */
  readonly queue: string;
  /** CloudEvents type of the messages that are events of the asset. @default every message */
  readonly type?: string;
}

/**
 * Watches an SQS queue, given by name (in the environment's own account and region) or URL: each message is an event of the asset.
 *
 * Throws a `DefinitionError` where it is neither.
 *
 * @example
 * const customers = asset<{ total: number }>('customer_master', { watchers: [sqs('profiles-customer_master')] });
 * dag('customer_profile', { schedule: customers }, (d) => {
 *   d.task('read', { run: (_, context) => context.events().map((event) => event.extra.total) });
 * });
 */
export function sqs(source: string | SqsSource): WatcherSource {
  const { queue, type }: SqsSource = typeof source === 'string' ? { queue: source } : source;
  if (typeof queue !== 'string' || !(QUEUE_NAME.test(queue) || isQueueUrl(queue))) {
    throw new DefinitionError(
      'sqs()',
      `${JSON.stringify(queue)} is neither a queue’s name (at most 80 letters, digits, '-' and '_') nor its URL (https://sqs.<region>.amazonaws.com/<account>/<name>)`,
    );
  }
  if (type !== undefined && (typeof type !== 'string' || type.trim() === '')) {
    throw new DefinitionError(
      'sqs()',
      `type is ${JSON.stringify(type)}; give the CloudEvents type of the messages, or leave it out for all`,
    );
  }
  return Object.freeze({ transport: 'sqs', queue, ...(type === undefined ? {} : { type }) });
}

function isQueueUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !(url.protocol === 'https:' || url.protocol === 'http:')) return false;
  return QUEUE_NAME.test(url.pathname.split('/').at(-1) ?? '');
}
