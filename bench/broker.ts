import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { AwsOptions } from '../packages/core/src/federation/transports/aws-options.ts';
import { deadLetterQueueOf, provisionTopology } from '../packages/core/src/federation/transports/provision-topology.ts';
import { clientConfig, topicArn } from '../packages/core/src/federation/transports/aws-options.ts';

/** A broker in a process of its own, with one topic that fans out to one queue. */
export interface Broker {
  readonly aws: AwsOptions;
  /** The section `aws` of an environment's settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** Publishes one event with this data. */
  publish(data: unknown): Promise<void>;
  /** How many messages lie in the dead-letter queues behind these queues. */
  deadLetters(queues: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

const LIMITS = { requestTimeoutMs: 10_000, maxSockets: 50 };

/** Starts the embedded broker as another process, so that it competes for the processor as a real one on this machine would. */
export async function startBroker({ topic, queue }: { readonly topic: string; readonly queue: string }): Promise<Broker> {
  const child = fork(path.join(import.meta.dirname, 'broker-process.ts'));
  const [aws] = (await once(child, 'message')) as [AwsOptions];
  await provisionTopology({ topics: [topic], queues: [{ name: queue }], subscriptions: [{ topic, queue, rawMessageDelivery: true }] }, aws);
  const { SNSClient, PublishCommand } = await import('@aws-sdk/client-sns');
  const { SQSClient, GetQueueAttributesCommand } = await import('@aws-sdk/client-sqs');
  const connection = clientConfig(aws, LIMITS);
  const client = new SNSClient(connection);
  const sqsClient = new SQSClient(connection);
  let sent = 0;
  return {
    aws,
    settings: {
      region: aws.region,
      accountId: aws.accountId,
      endpoint: aws.endpoint ?? '',
      accessKeyId: aws.credentials?.accessKeyId ?? '',
      secretAccessKey: aws.credentials?.secretAccessKey ?? '',
    },
    async publish(data) {
      sent += 1;
      const event = {
        specversion: '1.0',
        id: `bench-${process.pid}-${sent}`,
        source: '/tradewind/bench/sender',
        type: 'orders.completed',
        data,
      };
      await client.send(new PublishCommand({ TopicArn: topicArn(topic, aws), Message: JSON.stringify(event) }));
    },
    async deadLetters(queues) {
      let total = 0;
      for (const name of queues) {
        const QueueUrl = `${aws.endpoint ?? ''}/${aws.accountId}/${deadLetterQueueOf(name)}`;
        const { Attributes } = await sqsClient.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
        );
        total += Number(Attributes?.ApproximateNumberOfMessages ?? 0);
      }
      return total;
    },
    async close() {
      client.destroy();
      sqsClient.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
