import type * as SnsSdk from '@aws-sdk/client-sns';
import type * as SqsSdk from '@aws-sdk/client-sqs';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { meaningOf, translateAwsError } from './aws-errors.ts';
import { clientConfig, queueArn, topicArn, type AwsOptions } from './aws-options.ts';

/** Topics, queues and who gets what. Names that end in `.fifo` are FIFO. */
export interface Topology {
  readonly topics: readonly string[];
  readonly queues: readonly QueuePlan[];
  readonly subscriptions: readonly SubscriptionPlan[];
}

/** A queue, together with the dead-letter queue behind it. */
export interface QueuePlan {
  readonly name: string;
  /** How long a message stays hidden after a delivery. @default 30 */
  readonly visibilityTimeoutSeconds?: number;
}

/** That a queue gets what is published to a topic. */
export interface SubscriptionPlan {
  readonly topic: string;
  readonly queue: string;
  /** Whether messages arrive without SNS's envelope. @default true */
  readonly rawMessageDelivery?: boolean;
}

/**
 * After so many deliveries a message goes to the dead-letter queue: a consumer that dies on it does not meet it for ever. As many as AWS's console sets; fewer are reached by good messages where an
 * environment is killed again and again while its database is, too.
 */
export const MAX_RECEIVE_COUNT = 10;
const LIMITS = { requestTimeoutMs: 10_000, maxSockets: 10 };
const FIFO = '.fifo';

interface Clients {
  readonly sns: typeof SnsSdk;
  readonly sqs: typeof SqsSdk;
  readonly snsClient: SNSClient;
  readonly sqsClient: SQSClient;
}

/**
 * Creates what is missing of a topology and brings the rest to the plan. Idempotent; removes nothing.
 * @throws TradewindError where AWS refuses, naming the topic or queue
 */
export async function provisionTopology(topology: Topology, options: AwsOptions): Promise<void> {
  const [sns, sqs] = await Promise.all([import('@aws-sdk/client-sns'), import('@aws-sdk/client-sqs')]);
  const config = clientConfig(options, LIMITS);
  const clients: Clients = {
    sns,
    sqs,
    snsClient: new sns.SNSClient(config),
    sqsClient: new sqs.SQSClient({ ...config, useQueueUrlAsEndpoint: options.endpoint === undefined }),
  };
  try {
    for (const topic of topology.topics) await createTopic(clients, topic);
    for (const queue of topology.queues) await createQueue(clients, queue, { topology, options });
    for (const subscription of topology.subscriptions) await subscribe(clients, subscription, options);
  } finally {
    clients.snsClient.destroy();
    clients.sqsClient.destroy();
  }
}

async function createTopic({ sns, snsClient }: Clients, name: string): Promise<void> {
  const attributes = name.endsWith(FIFO) ? { FifoTopic: 'true' } : undefined;
  await attempt(`the topic ${name} cannot be created`, () =>
    snsClient.send(new sns.CreateTopicCommand({ Name: name, Attributes: attributes })),
  );
}

async function createQueue(
  clients: Clients,
  plan: QueuePlan,
  { topology, options }: { readonly topology: Topology; readonly options: AwsOptions },
): Promise<void> {
  const deadLetters = deadLetterQueueOf(plan.name);
  await ensureQueue(clients, deadLetters, {});
  const topics = topology.subscriptions.filter(({ queue }) => queue === plan.name).map(({ topic }) => topicArn(topic, options));
  await ensureQueue(clients, plan.name, {
    VisibilityTimeout: String(plan.visibilityTimeoutSeconds ?? 30),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn(deadLetters, options), maxReceiveCount: MAX_RECEIVE_COUNT }),
    ...(topics.length > 0 ? { Policy: sendPolicy(queueArn(plan.name, options), topics) } : {}),
  });
}

/** The name of the dead-letter queue behind a queue. */
export function deadLetterQueueOf(queue: string): string {
  return queue.endsWith(FIFO) ? `${queue.slice(0, -FIFO.length)}-dlq${FIFO}` : `${queue}-dlq`;
}

/** Creates the queue without attributes that may differ, because SQS refuses to create what exists otherwise; then sets them. */
async function ensureQueue({ sqs, sqsClient }: Clients, name: string, attributes: Record<string, string>): Promise<void> {
  const creation = name.endsWith(FIFO) ? { FifoQueue: 'true' } : {};
  const url = await attempt(`the queue ${name} cannot be created`, async () => {
    const known = await findQueue({ sqs, sqsClient }, name);
    if (known !== undefined) return known;
    return (await sqsClient.send(new sqs.CreateQueueCommand({ QueueName: name, Attributes: creation }))).QueueUrl;
  });
  if (Object.keys(attributes).length === 0) return;
  await attempt(`the queue ${name} cannot be configured`, () =>
    sqsClient.send(new sqs.SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes })),
  );
}

async function findQueue({ sqs, sqsClient }: Pick<Clients, 'sqs' | 'sqsClient'>, name: string): Promise<string | undefined> {
  try {
    return (await sqsClient.send(new sqs.GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
  } catch (error) {
    if (meaningOf(error) === 'not_found') return undefined;
    throw error;
  }
}

/** Only SNS may send, and only for these topics (AWS: "Subscribing an Amazon SQS queue to an Amazon SNS topic"). */
function sendPolicy(queue: string, topics: readonly string[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'topics-may-send',
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queue,
        Condition: { ArnEquals: { 'aws:SourceArn': topics } },
      },
    ],
  });
}

async function subscribe(clients: Clients, plan: SubscriptionPlan, options: AwsOptions): Promise<void> {
  const { sns, snsClient } = clients;
  const topic = topicArn(plan.topic, options);
  const endpoint = queueArn(plan.queue, options);
  const raw = String(plan.rawMessageDelivery ?? true);
  await attempt(`the queue ${plan.queue} cannot be subscribed to the topic ${plan.topic}`, async () => {
    // To subscribe again with other attributes is refused, so what exists is looked for and changed.
    const known = await findSubscription(clients, topic, endpoint);
    if (known === undefined) {
      const attributes = { RawMessageDelivery: raw };
      await snsClient.send(new sns.SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: endpoint, Attributes: attributes }));
      return;
    }
    const change = { SubscriptionArn: known, AttributeName: 'RawMessageDelivery', AttributeValue: raw };
    await snsClient.send(new sns.SetSubscriptionAttributesCommand(change));
  });
}

async function findSubscription({ sns, snsClient }: Clients, topic: string, endpoint: string): Promise<string | undefined> {
  for await (const { Subscriptions } of sns.paginateListSubscriptionsByTopic({ client: snsClient }, { TopicArn: topic })) {
    const found = Subscriptions?.find(({ Endpoint }) => Endpoint === endpoint);
    if (found !== undefined) return found.SubscriptionArn;
  }
  return undefined;
}

async function attempt<Result>(what: string, operation: () => Promise<Result>): Promise<Result> {
  try {
    return await operation();
  } catch (error) {
    throw translateAwsError(error, what);
  }
}
