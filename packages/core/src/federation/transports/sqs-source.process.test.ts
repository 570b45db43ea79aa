import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedBroker, type EmbeddedBroker } from '../embedded-broker.ts';
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
    const { options } = await startProxy((_action, _body, answer) => {
      answer(400, { __type: `com.amazonaws.sqs#${name}`, message: 'no' });
    });
    await expect(open(options, 'queue').receive(idle, 0)).rejects.toMatchObject({ code });
  });

  test('reports the entries of a batch that were not deleted; the others are gone', async () => {
    const queue = await createQueue();
    for (const body of ['a', 'b', 'c']) await send(queue, body);
    const { options } = await startProxy((action, body, answer) => {
      if (action !== 'DeleteMessageBatch') return forwardUnchanged;
      const { Entries, ...rest } = body as { Entries: { Id: string }[] };
      const [first, ...others] = Entries;
      answer.after({ ...rest, Entries: others }, (result) => ({
        ...result,
        Failed: [{ Id: first?.Id, Code: 'InternalError', Message: 'try again', SenderFault: false }],
      }));
    });
    const source = open(options, queue);
    const messages = await source.receive(idle, 0);
    expect(messages).toHaveLength(3);
    expect(await source.acknowledge(messages)).toEqual([{ messageId: messages[0]?.messageId, reason: 'InternalError: try again' }]);
    for (;;) {
      const again = await source.receive(idle, 0);
      if (again.length === 0) continue;
      expect(again.map(({ messageId }) => messageId)).toEqual([messages[0]?.messageId]);
      break;
    }
  });
});

const forwardUnchanged = Symbol('forward');

/** How a test answers a request in the broker's place. */
interface Answer {
  (status: number, body: unknown): void;
  /** Sends this request to the broker instead, and answers with what is made of its answer. */
  after(body: unknown, change: (result: Record<string, unknown>) => unknown): void;
}

/** A proxy in front of the broker that can answer in its place, as AWS would and the emulator does not. */
async function startProxy(
  intercept: (action: string, body: unknown, answer: Answer) => typeof forwardUnchanged | void,
): Promise<{ readonly options: AwsOptions }> {
  const server: Server = createServer((incoming, response) => {
    void (async () => {
      const text = await readText(incoming);
      const action = String(incoming.headers['x-amz-target']).replace('AmazonSQS.', '');
      const reply = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      const after = (body: unknown, change: (result: Record<string, unknown>) => unknown): void => {
        void forward(incoming, JSON.stringify(body)).then((result) => {
          reply(result.status, change(JSON.parse(result.text) as Record<string, unknown>));
        });
      };
      if (intercept(action, JSON.parse(text), Object.assign(reply, { after })) === forwardUnchanged) {
        const result = await forward(incoming, text);
        reply(result.status, result.text);
      }
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return { options: { ...broker.aws, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } };
}

async function forward({ headers }: IncomingMessage, body: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const forwarded = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(broker.aws.endpoint ?? '', { method: 'POST', headers: forwarded }, (response) => {
      readText(response).then((text) => {
        resolve({ status: response.statusCode ?? 500, text });
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readText(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
