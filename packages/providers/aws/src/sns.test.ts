import { describe, expect, test } from 'vitest';
import { sns } from './index.ts';

const ARN = 'arn:aws:sns:eu-central-1:000000000000:orders';

describe('sns', () => {
  test.each([
    ['a name', 'orders', 'orders'],
    ['a name in an object', { topic: 'orders_2' }, 'orders_2'],
    ['a FIFO topic', 'orders.fifo', 'orders.fifo'],
    ['an ARN', ARN, ARN],
    ['an ARN of another partition', 'arn:aws-cn:sns:cn-north-1:000000000000:orders', 'arn:aws-cn:sns:cn-north-1:000000000000:orders'],
  ])('takes %s', (_, given, topic) => {
    expect(sns(given)).toEqual({ transport: 'sns', topic });
  });

  test.each([
    ['nothing', ''],
    ['a space', 'my orders'],
    ['a name that is too long', 'x'.repeat(257)],
    ['an ARN of a queue', 'arn:aws:sqs:eu-central-1:000000000000:orders'],
    ['an ARN with a bad name', 'arn:aws:sns:eu-central-1:000000000000:my orders'],
    ['a URL', 'https://sns.eu-central-1.amazonaws.com/orders'],
    ['no text', { topic: 5 as unknown as string }],
  ])('refuses %s', (_, given) => {
    expect(() => sns(given)).toThrow(/^sns\(\): .* is neither a topic’s name .* nor its ARN/);
  });
});
