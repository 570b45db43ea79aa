import type { PublishTarget } from '@tradewind/protocol';
import { DefinitionError } from '@tradewind/sdk';

/** Amazon's rule for topic names (SNS API Reference, CreateTopic); FIFO topics end in `.fifo`. */
const TOPIC_NAME = /^[A-Za-z0-9_-]{1,256}$|^[A-Za-z0-9_-]{1,251}\.fifo$/;
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:(?<name>.+)$/;

/**
 * Publishes an asset's events to an SNS topic, given by name (in the environment's own account and region) or ARN.
 *
 * Throws a `DefinitionError` where it is neither.
 *
 * @example
 * const customers = asset<{ total: number }>('customer_master', { publish: sns('customer_master') });
 * dag('customer_master', (d) => {
 *   d.task('publish', { outlets: [customers], run: (_, context) => context.emit(customers, { total: 40 }) });
 * });
 */
export function sns(topic: string | { readonly topic: string }): PublishTarget {
  const name = typeof topic === 'string' ? topic : topic.topic;
  if (typeof name === 'string' && TOPIC_NAME.test(TOPIC_ARN.exec(name)?.groups?.['name'] ?? name)) {
    return Object.freeze({ transport: 'sns', topic: name });
  }
  throw new DefinitionError(
    'sns()',
    `${JSON.stringify(name)} is neither a topic’s name (at most 256 letters, digits, '-' and '_') nor its ARN (arn:aws:sns:<region>:<account>:<name>)`,
  );
}
