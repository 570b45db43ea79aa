import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedBroker, type EmbeddedBroker } from '../embedded-broker.ts';
import { startBrokerProxy } from '../testing/broker-proxy.ts';
import type { AwsOptions } from './aws-options.ts';
import { provisionTopology } from './provision-topology.ts';
import { describeEventSource } from './source.contract.ts';
import { connectSqs } from './sqs-source.ts';

let broker: EmbeddedBroker;
let client: SQSClient;

beforeAll(async () => {
  broker = await startEmbeddedBroker();
  client = new SQSClient({ ...broker.aws, useQueueUrlAsEndpoint: false });
});

afterAll(async () => {
  client.destroy();
  await broker.close();
});

let queues = 0;

/** A queue of its own for each test. */
async function createQueue(): Promise<string> {
  queues += 1;
  const name = `queue-${queues}`;
  await provisionTopology({ topics: [], queues: [{ name, visibilityTimeoutSeconds: 1 }], subscriptions: [] }, broker.aws);
  return name;
}

async function send(queue: string, body: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
  const values = Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }] as const);
  const url = `${broker.aws.endpoint}/${broker.aws.accountId}/${queue}`;
  await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes: Object.fromEntries(values) }));
}

describeEventSource('SQS', async () => {
  const queue = await createQueue();
  const sqs = connectSqs(broker.aws);
  return {
    openSource: () => sqs.openSource(queue),
    openMissing: () => sqs.openSource('missing-queue'),
    send: (body, attributes) => send(queue, body, attributes),
    // The timeout is one second, and the contract polls until the message comes.
    letVisibilityTimeoutPass: () => Promise.resolve(),
    letWaitPass: () => Promise.resolve(),
    close: () => {
      sqs.close();
      return Promise.resolve();
    },
  };
});

const idle = new AbortController().signal;
const SQS_JSON = 'application/x-amz-json-1.0';

function open(options: AwsOptions, queue: string) {
  const sqs = connectSqs(options);
  onTestFinished(() => {
    sqs.close();
  });
  return sqs.openSource(queue);
}

describe('the SQS source', () => {
  test('takes a queue by its URL', async () => {
    const queue = await createQueue();
    await send(queue, 'x');
    const source = open(broker.aws, `${broker.aws.endpoint}/${broker.aws.accountId}/${queue}`);
    expect((await source.receive(idle, 0)).map(({ body }) => body)).toEqual(['x']);
  });

  test('gives binary attributes as base64', async () => {
    const queue = await createQueue();
    const url = `${broker.aws.endpoint}/${broker.aws.accountId}/${queue}`;
    const binary = { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) };
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'x', MessageAttributes: { binary } }));
    expect((await open(broker.aws, queue).receive(idle, 0))[0]?.attributes).toEqual({ binary: 'AP8=' });
  });

  test('finds a queue that is created after it was asked for', async () => {
    const source = open(broker.aws, `queue-${queues + 1}`);
    await expect(source.receive(idle, 0)).rejects.toMatchObject({ code: 'not_found' });
    await createQueue();
    expect(await source.receive(idle, 0)).toEqual([]);
  });

  test('says that the broker is unavailable where nobody listens', async () => {
    const source = open({ ...broker.aws, endpoint: 'http://127.0.0.1:1' }, 'queue');
    await expect(source.receive(idle, 0)).rejects.toMatchObject({
      code: 'broker_unavailable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test.each([
    ['AccessDeniedException', 'forbidden'],
    ['InvalidClientTokenId', 'unauthenticated'],
    ['ExpiredTokenException', 'unauthenticated'],
    ['AWS.SimpleQueueService.NonExistentQueue', 'not_found'],
    ['ServiceUnavailable', 'broker_unavailable'],
  ])('translates %s into %s', async (name, code) => {
    const answer = { status: 400, contentType: SQS_JSON, text: JSON.stringify({ __type: `com.amazonaws.sqs#${name}`, message: 'no' }) };
    const options = await startBrokerProxy(broker.aws, () => Promise.resolve(answer));
    await expect(open(options, 'queue').receive(idle, 0)).rejects.toMatchObject({ code });
  });

  test('asks for every attribute, because SQS gives only those that are asked for', async () => {
    const queue = await createQueue();
    const asked: unknown[] = [];
    const options = await startBrokerProxy(broker.aws, ({ action, text, forward }) => {
      if (action === 'ReceiveMessage') asked.push(JSON.parse(text));
      return forward();
    });
    await open(options, queue).receive(idle, 1);
    expect(asked).toMatchObject([
      { MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] },
    ]);
  });

  test('reports the entries of a batch that were not deleted; the others are gone', async () => {
    const queue = await createQueue();
    for (const body of ['a', 'b', 'c']) await send(queue, body);
    const options = await startBrokerProxy(broker.aws, async ({ action, text, forward }) => {
      if (action !== 'DeleteMessageBatch') return forward();
      const { Entries, ...rest } = JSON.parse(text) as { Entries: { Id: string }[] };
      const [first, ...others] = Entries;
      const answer = await forward(JSON.stringify({ ...rest, Entries: others }));
      const Failed = [{ Id: first?.Id, Code: 'InternalError', Message: 'try again', SenderFault: false }];
      return { ...answer, text: JSON.stringify({ ...(JSON.parse(answer.text) as object), Failed }) };
    });
    const source = open(options, queue);
    const messages = await source.receive(idle, 0);
    expect(messages).toHaveLength(3);
    expect(await source.acknowledge(messages)).toEqual([{ messageId: messages[0]?.messageId, reason: 'InternalError: try again' }]);
    let again = await source.receive(idle, 0);
    while (again.length === 0) again = await source.receive(idle, 0);
    expect(again.map(({ messageId }) => messageId)).toEqual([messages[0]?.messageId]);
  });
});
