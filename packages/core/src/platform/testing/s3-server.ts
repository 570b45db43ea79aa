/**
 * A server on loopback that speaks as much of S3 as large values need, with addresses of the path style: PutObject, GetObject, DeleteObject and ListObjectsV2 with prefixes,
 * delimiters and pages. It checks the hash of what it takes, as S3 does, and that requests are signed.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A bucket, and what a test may do to it. */
export interface S3Server {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  /** By the name of the object. A test may damage one or take it away. */
  readonly objects: Map<string, StoredObject>;
  /** Methods and names of objects of all requests, in their order; of a list its prefix. */
  readonly requests: string[];
  /** What becomes of requests from now on. */
  behave(behaviour: S3Behaviour): void;
  stop(): Promise<void>;
}

/** An object and when it was written, in milliseconds since the epoch. */
export interface StoredObject {
  readonly body: string;
  readonly writtenAt: number;
}

/** It answers, refuses everything or the next object that is read, or hangs: before it answers, or within what it sends. */
export type S3Behaviour = 'answer' | 'refuse' | 'refuse-next-read' | 'hang' | 'hang-within-body';

/** How many it lists at once. S3 has 1000. */
const PAGE_LENGTH = 2;

/** Starts a server that has one bucket. */
export async function startS3Server(bucket: string): Promise<S3Server> {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  let behaviour: S3Behaviour = 'answer';
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://s3');
      const [, named, ...rest] = decodeURIComponent(url.pathname).split('/');
      const key = rest.join('/');
      requests.push(`${request.method} ${key === '' ? url.searchParams.get('prefix') : key}`);
      const body = await text(request);
      if (behaviour === 'hang') return;
      if (behaviour === 'refuse' || !isSigned(request)) return refuse(response, 403, 'AccessDenied');
      if (named !== bucket) return refuse(response, 404, 'NoSuchBucket');
      if (request.method === 'PUT') return put({ request, response, objects }, key, body);
      if (request.method === 'DELETE') return remove(response, objects, key);
      if (key === '') return list(response, objects, url.searchParams);
      if (behaviour === 'refuse-next-read') {
        behaviour = 'answer';
        return refuse(response, 403, 'AccessDenied');
      }
      return get(response, objects.get(key), behaviour);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    behave(wanted) {
      behaviour = wanted;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function isSigned({ headers }: IncomingMessage): boolean {
  return headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=') === true;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly objects: Map<string, StoredObject>;
}

function put({ request, response, objects }: Exchange, key: string, body: string): void {
  if (request.headers['x-amz-checksum-sha256'] !== createHash('sha256').update(body).digest('base64')) {
    refuse(response, 400, 'BadDigest');
    return;
  }
  objects.set(key, { body, writtenAt: Date.now() });
  response.writeHead(200, { etag: '"1"' }).end();
}

function get(response: ServerResponse, found: StoredObject | undefined, behaviour: S3Behaviour): void {
  if (found === undefined) refuse(response, 404, 'NoSuchKey');
  else if (behaviour === 'hang-within-body') response.writeHead(200, { 'content-length': Buffer.byteLength(found.body) }).write('[');
  else response.writeHead(200, { 'content-length': Buffer.byteLength(found.body) }).end(found.body);
}

function remove(response: ServerResponse, objects: Map<string, StoredObject>, key: string): void {
  objects.delete(key);
  response.writeHead(204).end();
}

function list(response: ServerResponse, objects: ReadonlyMap<string, StoredObject>, query: URLSearchParams): void {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const from = Number(query.get('continuation-token') ?? 0);
  const names = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  const shown = [...new Set(names.map((key) => rollUp(key, prefix, delimiter)))];
  const page = shown.slice(from, from + PAGE_LENGTH);
  const hasMore = from + PAGE_LENGTH < shown.length;
  const items = page.map((name) => {
    const object = objects.get(name);
    return object === undefined
      ? `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${name}</Key><LastModified>${new Date(object.writtenAt).toISOString()}</LastModified><Size>${object.body.length}</Size></Contents>`;
  });
  const next = hasMore ? `<NextContinuationToken>${from + PAGE_LENGTH}</NextContinuationToken>` : '';
  answer(response, 200, `<ListBucketResult><IsTruncated>${hasMore}</IsTruncated>${next}${items.join('')}</ListBucketResult>`);
}

function rollUp(key: string, prefix: string, delimiter: string): string {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return end < 0 ? key : key.slice(0, end + 1);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  answer(response, status, `<Error><Code>${code}</Code><Message>It says ${code}</Message></Error>`);
}

function answer(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>${xml}`);
}
