import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { AwsOptions } from '../transports/aws-options.ts';

/** A request on its way to the broker. */
export interface ProxiedRequest {
  /** `ReceiveMessage`, `PublishBatch`, … */
  readonly action: string;
  readonly text: string;
  /** Asks the broker, with this text or with another. */
  readonly forward: (text?: string) => Promise<ProxiedAnswer>;
}

/** What the client gets. */
export interface ProxiedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Puts a proxy in front of the broker for one test, which can look at what is asked and answer as AWS would and the emulator does not. */
export async function startBrokerProxy(
  broker: AwsOptions,
  handle: (request: ProxiedRequest) => Promise<ProxiedAnswer>,
): Promise<AwsOptions> {
  const server = createServer((incoming, response) => {
    void (async () => {
      const text = await readText(incoming);
      const forward = (changed = text): Promise<ProxiedAnswer> => forwardTo(broker, incoming, changed);
      const answer = await handle({ action: actionOf(incoming, text), text, forward });
      response.writeHead(answer.status, { 'content-type': answer.contentType });
      response.end(answer.text);
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
  return { ...broker, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** SQS names the action in a header, SNS in the form that it is sent. */
function actionOf({ headers }: IncomingMessage, text: string): string {
  const target = headers['x-amz-target'];
  return typeof target === 'string' ? target.replace('AmazonSQS.', '') : (new URLSearchParams(text).get('Action') ?? '');
}

function forwardTo({ endpoint }: AwsOptions, { headers }: IncomingMessage, text: string): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const forwarded = { ...headers, 'content-length': String(Buffer.byteLength(text)) };
    const outgoing = request(endpoint ?? '', { method: 'POST', headers: forwarded }, (response) => {
      readText(response).then((answer) => {
        resolve({ status: response.statusCode ?? 500, contentType: response.headers['content-type'] ?? '', text: answer });
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

async function readText(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
