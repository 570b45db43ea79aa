import { TradewindError, messageOf } from '../platform/errors.ts';
import type { AwsOptions } from './transports/aws-options.ts';

/** Where the embedded broker listens. */
export interface EmbeddedBrokerOptions {
  /** @default any free port */
  readonly port?: number;
  /** @default eu-central-1 */
  readonly region?: string;
}

/** SNS and SQS inside this process. */
export interface EmbeddedBroker {
  /** How any process on this machine reaches it. */
  readonly aws: AwsOptions;
  /** Ends it; what it held is gone. Idempotent. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const DEFAULT_REGION = 'eu-central-1';
/** The account that the emulator plays. */
const ACCOUNT_ID = '000000000000';

/**
 * Starts SNS and SQS for a fleet on one machine: an emulator, in memory, reachable from this machine alone, because it asks nobody who they are.
 * Events that were published and not yet received are lost when it ends, so it is for development and tests.
 *
 * @throws TradewindError `port_taken` where the port is in use
 */
export async function startEmbeddedBroker({ port = 0, region = DEFAULT_REGION }: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { buildApp } = await import('fauxqs');
  // Its own `startFauxqs` listens on every address. Without a folder it keeps nothing on disk, which it does wrongly (toolchain: dataDir).
  const app = buildApp({ logger: false, defaultRegion: region });
  try {
    await app.listen({ host: LOOPBACK, port });
  } catch (error) {
    await app.close();
    throw new TradewindError('port_taken', `the embedded broker cannot listen on port ${port}: ${messageOf(error)}. Choose another port.`, {
      cause: error,
    });
  }
  const address = app.server.address();
  const usedPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    aws: {
      region,
      accountId: ACCOUNT_ID,
      endpoint: `http://${LOOPBACK}:${usedPort}`,
      // The emulator reads the region out of the signature and checks nothing else.
      credentials: { accessKeyId: 'embedded', secretAccessKey: 'embedded' },
    },
    async close() {
      await app.close();
    },
  };
}
