import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetSubscriptionAttributesCommand, ListSubscriptionsCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { startEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.ts';
import { deadLetterQueueOf, MAX_RECEIVE_COUNT, provisionTopology, type Topology } from './transports/provision-topology.ts';
import { connectSqs } from './transports/sqs-source.ts';

async function start(options?: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker(options);
  onTestFinished(() => broker.close());
  return broker;
}

function clientsOf({ aws }: EmbeddedBroker): { readonly sns: SNSClient; readonly sqs: SQSClient } {
  const clients = { sns: new SNSClient(aws), sqs: new SQSClient({ ...aws, useQueueUrlAsEndpoint: false }) };
  onTestFinished(() => {
    clients.sns.destroy();
    clients.sqs.destroy();
  });
  return clients;
}

const TOPOLOGY: Topology = {
  topics: ['orders', 'orders.fifo'],
  queues: [{ name: 'warehouse' }, { name: 'finance.fifo', visibilityTimeoutSeconds: 120 }],
  subscriptions: [
    { topic: 'orders', queue: 'warehouse', rawMessageDelivery: false },
    { topic: 'orders.fifo', queue: 'finance.fifo' },
  ],
};

test('the embedded broker cannot be reached from another machine', async () => {
  const { aws } = await start();
  const { port } = new URL(aws.endpoint ?? '');
  await expect(fetch(`${aws.endpoint}/health`)).resolves.toMatchObject({ status: 200 });
  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const { address } of others) await expect(fetch(`http://${address}:${port}/health`)).rejects.toThrow();
});

test('the embedded broker says which port is taken', async () => {
  const { aws } = await start();
  const port = Number(new URL(aws.endpoint ?? '').port);
  await expect(startEmbeddedBroker({ port })).rejects.toMatchObject({
    code: 'port_taken',
    message: expect.stringContaining(String(port)) as string,
  });
});

test('the embedded broker ends while somebody waits for messages, and may be closed twice', async () => {
  const broker = await startEmbeddedBroker();
  await provisionTopology(TOPOLOGY, broker.aws);
  const sqs = connectSqs(broker.aws);
  const waiting = sqs.openSource('warehouse').receive(new AbortController().signal, 20);
  const outcome = waiting.then(
    () => 'answered',
    () => 'failed',
  );
  await broker.close();
  await broker.close();
  sqs.close();
  expect(['answered', 'failed']).toContain(await outcome);
});

test('a topology is made, each queue with a dead-letter queue behind it, and making it again changes nothing', async () => {
  const broker = await start();
  await provisionTopology(TOPOLOGY, broker.aws);
  await provisionTopology(TOPOLOGY, broker.aws);
  const { sns, sqs } = clientsOf(broker);
  const { region, accountId } = broker.aws;
  expect((await sns.send(new ListTopicsCommand())).Topics).toHaveLength(2);
  expect((await sqs.send(new ListQueuesCommand())).QueueUrls).toHaveLength(4);
  const { Subscriptions } = await sns.send(new ListSubscriptionsCommand());
  expect(Subscriptions).toHaveLength(2);
  const raw = await Promise.all(
    (Subscriptions ?? []).map(async ({ SubscriptionArn, Endpoint }) => {
      const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
      return [Endpoint?.split(':').at(-1), Attributes?.['RawMessageDelivery']];
    }),
  );
  expect(Object.fromEntries(raw)).toEqual({ warehouse: 'false', 'finance.fifo': 'true' });

  const url = `${broker.aws.endpoint}/${accountId}/finance.fifo`;
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
  expect(Attributes?.['VisibilityTimeout']).toBe('120');
  expect(JSON.parse(Attributes?.['RedrivePolicy'] ?? '')).toEqual({
    deadLetterTargetArn: `arn:aws:sqs:${region}:${accountId}:finance-dlq.fifo`,
    maxReceiveCount: MAX_RECEIVE_COUNT,
  });
  expect(JSON.parse(Attributes?.['Policy'] ?? '')).toMatchObject({
    Statement: [
      { Action: 'sqs:SendMessage', Condition: { ArnEquals: { 'aws:SourceArn': [`arn:aws:sns:${region}:${accountId}:orders.fifo`] } } },
    ],
  });
});

test('a topology that changed is brought to the plan', async () => {
  const broker = await start();
  await provisionTopology(TOPOLOGY, broker.aws);
  const [first, ...others] = TOPOLOGY.subscriptions;
  if (first === undefined) throw new Error('the topology has no subscription');
  await provisionTopology(
    {
      ...TOPOLOGY,
      queues: [{ name: 'warehouse', visibilityTimeoutSeconds: 7 }],
      subscriptions: [{ ...first, rawMessageDelivery: true }, ...others],
    },
    broker.aws,
  );
  const { sns, sqs } = clientsOf(broker);
  const { Subscriptions } = await sns.send(new ListSubscriptionsCommand());
  const SubscriptionArn = Subscriptions?.find(({ Endpoint }) => Endpoint?.endsWith(':warehouse') === true)?.SubscriptionArn;
  const subscription = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
  expect(subscription.Attributes?.['RawMessageDelivery']).toBe('true');
  const url = `${broker.aws.endpoint}/${broker.aws.accountId}/warehouse`;
  const queue = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['VisibilityTimeout'] }));
  expect(queue.Attributes?.['VisibilityTimeout']).toBe('7');
});

test('a subscription to a topic that is not there is refused and names both', async () => {
  const broker = await start();
  const plan = { topics: [], queues: [{ name: 'warehouse' }], subscriptions: [{ topic: 'missing', queue: 'warehouse' }] };
  await expect(provisionTopology(plan, broker.aws)).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringMatching(/warehouse.*missing/s) as string,
  });
});

test.each([
  ['orders', 'orders-dlq'],
  ['orders.fifo', 'orders-dlq.fifo'],
])('the dead-letter queue of %s is %s', (queue, deadLetters) => {
  expect(deadLetterQueueOf(queue)).toBe(deadLetters);
});
