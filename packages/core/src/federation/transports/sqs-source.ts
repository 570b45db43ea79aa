import type * as SqsSdk from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { TradewindError } from '../../platform/errors.ts';
import { MAX_MESSAGES_PER_RECEIVE, type EventSource, type FailedAcknowledgement, type ReceivedMessage } from '../source.ts';
import { meaningOf, translateAwsError } from './aws-errors.ts';
import { clientConfig, type AwsOptions } from './aws-options.ts';

/** SQS for any number of queues, over shared connections. */
export interface SqsConnections {
  /**
   * A source for one queue. Asks nothing of AWS before it is polled.
   * @param queue a name in the environment's own account and region, or a URL
   */
  openSource(queue: string): EventSource;
  /** Closes the connections; sources that are still in use fail. Idempotent. */
  close(): void;
}

/** The long poll of 20 seconds and a little. */
const REQUEST_TIMEOUT_MS = 25_000;
/** Every queue holds one connection while it waits for messages. */
const MAX_SOCKETS = 1_024;

/** Prepares SQS. The SDK is loaded with the first request, because an environment without queues does without. */
export function connectSqs(options: AwsOptions): SqsConnections {
  let loading: Promise<Sqs> | undefined;
  return {
    openSource: (queue) => createSource(queue, () => (loading ??= load(options)), options),
    close() {
      void loading?.then(
        ({ client }) => {
          client.destroy();
        },
        () => {
          // Nothing was opened.
        },
      );
    },
  };
}

interface Sqs {
  readonly sdk: typeof SqsSdk;
  readonly client: SQSClient;
}

async function load(options: AwsOptions): Promise<Sqs> {
  const sdk = await import('@aws-sdk/client-sqs');
  const config = clientConfig(options, { requestTimeoutMs: REQUEST_TIMEOUT_MS, maxSockets: MAX_SOCKETS });
  // A queue's URL names AWS's host, which is not where the endpoint is.
  const client = new sdk.SQSClient({ ...config, useQueueUrlAsEndpoint: options.endpoint === undefined });
  return { sdk, client };
}

function createSource(queue: string, sqs: () => Promise<Sqs>, { accountId }: AwsOptions): EventSource {
  let knownUrl: string | undefined;

  const queueUrl = async ({ sdk, client }: Sqs, signal?: AbortSignal): Promise<string> => {
    if (knownUrl !== undefined) return knownUrl;
    if (/^https?:\/\//.test(queue)) return (knownUrl = queue);
    const command = new sdk.GetQueueUrlCommand({ QueueName: queue, QueueOwnerAWSAccountId: accountId });
    const { QueueUrl } = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    if (QueueUrl === undefined) throw new TradewindError('broker_unavailable', `SQS did not say the URL of the queue ${queue}.`);
    return (knownUrl = QueueUrl);
  };

  const receive = async (signal: AbortSignal, waitSeconds: number): Promise<readonly ReceivedMessage[]> => {
    const connection = await sqs();
    const { sdk, client } = connection;
    const command = new sdk.ReceiveMessageCommand({
      QueueUrl: await queueUrl(connection, signal),
      MaxNumberOfMessages: MAX_MESSAGES_PER_RECEIVE,
      WaitTimeSeconds: waitSeconds,
      // Attributes come only when they are asked for.
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    });
    const { Messages } = await client.send(command, { abortSignal: signal });
    return (Messages ?? []).map(readMessage);
  };

  const acknowledge = async (messages: readonly ReceivedMessage[]): Promise<readonly FailedAcknowledgement[]> => {
    const connection = await sqs();
    const { sdk, client } = connection;
    const command = new sdk.DeleteMessageBatchCommand({
      QueueUrl: await queueUrl(connection),
      Entries: messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt })),
    });
    // The call succeeds as a whole even where single entries fail.
    const { Failed } = await client.send(command);
    return (Failed ?? []).map(({ Id, Code, Message }) => ({
      messageId: messages[Number(Id)]?.messageId ?? String(Id),
      reason: `${Code}: ${Message ?? 'no reason given'}`,
    }));
  };

  const translated = (error: unknown, what: string): TradewindError => {
    if (meaningOf(error) === 'not_found') knownUrl = undefined;
    return error instanceof TradewindError ? error : translateAwsError(error, what);
  };

  return {
    async receive(signal, waitSeconds) {
      try {
        return await receive(signal, waitSeconds);
      } catch (error) {
        if (signal.aborted) return [];
        throw translated(error, `the queue ${queue} cannot be read`);
      }
    },
    async acknowledge(messages) {
      if (messages.length === 0) return [];
      try {
        return await acknowledge(messages);
      } catch (error) {
        throw translated(error, `messages of the queue ${queue} cannot be acknowledged`);
      }
    },
    // The connections are shared; whoever opened them closes them.
    close: () => {},
  };
}

function readMessage({ MessageId, ReceiptHandle, Body, MessageAttributes, Attributes }: Message): ReceivedMessage {
  const attributes = Object.entries(MessageAttributes ?? {}).map(([name, { StringValue, BinaryValue }]) => [
    name,
    StringValue ?? Buffer.from(BinaryValue ?? []).toString('base64'),
  ]);
  return {
    messageId: MessageId ?? '',
    receipt: ReceiptHandle ?? '',
    body: Body ?? '',
    attributes: Object.fromEntries(attributes) as Record<string, string>,
    systemAttributes: Object.fromEntries(Object.entries(Attributes ?? {})),
  };
}
