import type { SNSClientConfig } from '@aws-sdk/client-sns';

/** Where AWS's services are, and as whom to speak to them. */
export interface AwsOptions {
  readonly region: string;
  /** Twelve digits. Topics that are named without an ARN, and queues that are named without a URL, belong to this account. */
  readonly accountId: string;
  /** Base URL of something that speaks the same protocol, such as the embedded broker. @default AWS itself */
  readonly endpoint?: string;
  /** @default the SDK's own chain: environment variables, shared files, container and instance roles */
  readonly credentials?: AwsCredentials;
}

/** A key pair, with a token where the keys are temporary. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What differs between the services. */
export interface ClientLimits {
  /** How long an answer may take; more than 20 seconds where a request waits for messages. */
  readonly requestTimeoutMs: number;
  readonly maxSockets: number;
  /** How long an answer that has begun may pause; for answers that are read piece by piece. @default for ever */
  readonly socketTimeoutMs?: number;
}

const CONNECTION_TIMEOUT_MS = 3_000;
/** The SDK tries again within milliseconds; longer pauses are our own back-off, which shows. */
const MAX_ATTEMPTS = 2;

/** The part of an SDK client's configuration that all services share: connections that are kept alive, and limits on everything. */
export function clientConfig(
  { region, endpoint, credentials }: AwsOptions,
  { requestTimeoutMs, maxSockets, socketTimeoutMs }: ClientLimits,
): SNSClientConfig {
  const agent = { keepAlive: true, maxSockets };
  return {
    region,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      ...(socketTimeoutMs === undefined ? {} : { socketTimeout: socketTimeoutMs }),
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** The ARN of a topic: as it stands where it is one, else of that name in the environment's own account and region. */
export function topicArn(topic: string, { region, accountId }: AwsOptions): string {
  return topic.startsWith('arn:') ? topic : `arn:${partitionOf(region)}:sns:${region}:${accountId}:${topic}`;
}

/** The ARN of a queue by its name, in the environment's own account and region. */
export function queueArn(queue: string, { region, accountId }: AwsOptions): string {
  return `arn:${partitionOf(region)}:sqs:${region}:${accountId}:${queue}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
