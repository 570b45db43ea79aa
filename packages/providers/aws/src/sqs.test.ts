import { describe, expect, test } from 'vitest';
import { sqs } from './index.ts';

const URL_OF_QUEUE = 'https://sqs.eu-central-1.amazonaws.com/000000000000/orders';

describe('sqs', () => {
  test.each([
    ['a name', 'orders', { queue: 'orders' }],
    ['a FIFO queue', 'orders.fifo', { queue: 'orders.fifo' }],
    ['a URL', URL_OF_QUEUE, { queue: URL_OF_QUEUE }],
    ['a URL of a local broker', 'http://127.0.0.1:4566/000000000000/orders', { queue: 'http://127.0.0.1:4566/000000000000/orders' }],
    ['a type', { queue: 'orders', type: 'orders.completed' }, { queue: 'orders', type: 'orders.completed' }],
  ])('takes %s', (_, given, watched) => {
    expect(sqs(given)).toEqual({ transport: 'sqs', ...watched });
  });

  test.each([
    ['nothing', ''],
    ['a space', 'my orders'],
    ['a name that is too long', 'x'.repeat(81)],
    ['a URL without a queue', 'https://sqs.eu-central-1.amazonaws.com/'],
    ['another kind of URL', 'ftp://sqs.eu-central-1.amazonaws.com/000000000000/orders'],
    ['no text', { queue: 5 as unknown as string }],
  ])('refuses %s', (_, given) => {
    expect(() => sqs(given)).toThrow(/^sqs\(\): .* is neither a queue’s name .* nor its URL/);
  });

  test('refuses a blank type', () => {
    expect(() => sqs({ queue: 'orders', type: ' ' })).toThrow('sqs(): type is " "');
  });
});
