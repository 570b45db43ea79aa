import type * as S3Sdk from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from './clock.ts';
import { TradewindError, messageOf } from './errors.ts';
import { isRunId, partsOfKey, referTo, requireRunId, requireWhole } from './value-reference.ts';
import type { StoredValue, ValueReference, ValueStore } from './value-store.ts';

const STORE_NAME = 's3';
/** So many objects of a run are removed at the same time. */
const REMOVED_AT_ONCE = 16;
/** So long a service that did not answer to a write is not asked to take another one. */
const PAUSE_MS = 30_000;

/** Where a bucket is. */
export interface ValueBucketOptions {
  readonly bucket: string;
  /** What comes before the run's id in the name of every object, without a slash at its end. */
  readonly prefix: string;
  /** Longest time in milliseconds until a value is taken, or the answer to a read begins. A scheduler waits for both, and its lease runs out meanwhile. */
  readonly answerWithinMs: number;
  readonly clock: Clock;
  /** Region, address, credentials and limits. */
  readonly client: Pick<S3ClientConfig, 'region' | 'endpoint' | 'credentials' | 'maxAttempts' | 'requestHandler'>;
}

/** A bucket, and what speaks to it. */
interface Bucket extends Omit<ValueBucketOptions, 'client'> {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Client;
}

/**
 * Keeps large values as objects of an S3 bucket: `<prefix>/<dag run id>/<sha256>.json`. The service checks the hash before it takes one, and answers when it has it durably. Any
 * number of processes and machines may share it. The SDK is loaded with the first request, because most environments do without.
 */
export function openValueBucket(options: ValueBucketOptions): ValueStore {
  let loading: Promise<Bucket> | undefined;
  let pausedUntil = 0;
  const bucket = (): Promise<Bucket> => (loading ??= load(options));
  const placeOf = (key: string): string => `s3://${options.bucket}/${objectOf(options, key)}`;
  return {
    name: STORE_NAME,
    async put(dagRunId, json) {
      const text = Buffer.from(json);
      const reference = referTo(STORE_NAME, dagRunId, text);
      await orUnavailable(`${placeOf(reference.key)} cannot be written`, async () => {
        if (options.clock.monotonicMs() < pausedUntil)
          throw new Error('the service did not answer a moment ago, and is not asked again yet');
        try {
          await write(await bucket(), reference, text);
        } catch (error) {
          if (statusOf(error) === undefined) pausedUntil = options.clock.monotonicMs() + PAUSE_MS;
          throw error;
        }
      });
      return reference;
    },
    async get(reference) {
      const place = placeOf(reference.key);
      return requireWhole(await read(bucket, reference.key, place), reference, place);
    },
    listRuns: () =>
      orUnavailable(`s3://${options.bucket}/${options.prefix}/ cannot be listed`, async () => {
        const pages = await list(await bucket(), `${options.prefix}/`, '/');
        const prefixes = pages.flatMap(({ CommonPrefixes }) => CommonPrefixes ?? []);
        return prefixes.map(({ Prefix = '' }) => Prefix.slice(options.prefix.length + 1, -1)).filter(isRunId);
      }),
    listValues: (dagRunId) =>
      orUnavailable(`${placeOfRun(options, dagRunId)} cannot be listed`, async () => listRun(await bucket(), dagRunId)),
    removeRun: (dagRunId) =>
      orUnavailable(`${placeOfRun(options, dagRunId)} cannot be removed`, async () => removeAll(await bucket(), dagRunId)),
    removeValue: (key) => orUnavailable(`${placeOf(key)} cannot be removed`, async () => remove(await bucket(), key)),
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

async function load(options: ValueBucketOptions): Promise<Bucket> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    ...options.client,
    // Behind another address than Amazon's the names of buckets are seldom hosts.
    forcePathStyle: options.client.endpoint !== undefined,
    // The hash of every value is sent and checked as it is; services that only resemble S3 know no newer ways.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { ...options, sdk, client };
}

async function write({ sdk, client, ...place }: Bucket, { key, sha256 }: ValueReference, text: Buffer): Promise<void> {
  const command = new sdk.PutObjectCommand({
    Bucket: place.bucket,
    Key: objectOf(place, key),
    Body: text,
    ContentType: 'application/json',
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
  });
  await inTime(place, (abortSignal) => client.send(command, { abortSignal }));
}

/** Retries included, which the client's own limits do not count together. */
async function inTime<Result>(
  { clock, answerWithinMs }: Pick<ValueBucketOptions, 'clock' | 'answerWithinMs'>,
  ask: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const timer = clock.setTimer(answerWithinMs, () => {
    deadline.abort();
  });
  try {
    return await ask(deadline.signal);
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    throw new Error(`there was no answer within ${answerWithinMs} ms`, { cause: error });
  } finally {
    timer.cancel();
  }
}

async function read(bucket: () => Promise<Bucket>, key: string, place: string): Promise<Buffer> {
  try {
    const { sdk, client, ...where } = await bucket();
    const command = new sdk.GetObjectCommand({ Bucket: where.bucket, Key: objectOf(where, key) });
    return await contentOf(await inTime(where, (abortSignal) => client.send(command, { abortSignal })));
  } catch (error) {
    const isMissing = error instanceof Error && error.name === 'NoSuchKey';
    const problem = isMissing ? 'is missing' : `cannot be read (${describe(error)})`;
    throw new TradewindError('value_unreadable', `the object of the value ${problem}: ${place}`, { cause: error });
  }
}

async function contentOf({ Body }: GetObjectCommandOutput): Promise<Buffer> {
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function listRun(bucket: Bucket, dagRunId: string): Promise<readonly StoredValue[]> {
  const folder = `${bucket.prefix}/${requireRunId(dagRunId)}/`;
  const objects = (await list(bucket, folder)).flatMap(({ Contents }) => Contents ?? []);
  return objects.map(({ Key = '', LastModified }) => ({
    key: `${dagRunId}/${Key.slice(folder.length)}`,
    writtenAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
  }));
}

/** The service answers in pages of a thousand. */
async function list({ sdk, client, bucket }: Bucket, prefix: string, delimiter?: string): Promise<readonly ListObjectsV2CommandOutput[]> {
  const pages: ListObjectsV2CommandOutput[] = [];
  let next: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: delimiter, ContinuationToken: next }),
    );
    pages.push(page);
    next = page.NextContinuationToken;
  } while (next !== undefined);
  return pages;
}

async function removeAll(bucket: Bucket, dagRunId: string): Promise<void> {
  const values = await listRun(bucket, dagRunId);
  for (let from = 0; from < values.length; from += REMOVED_AT_ONCE) {
    await Promise.all(values.slice(from, from + REMOVED_AT_ONCE).map(({ key }) => remove(bucket, key)));
  }
}

async function remove({ sdk, client, ...place }: Bucket, key: string): Promise<void> {
  await client.send(new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: objectOf(place, key) }));
}

function objectOf({ prefix }: Pick<ValueBucketOptions, 'prefix'>, key: string): string {
  return [prefix, ...partsOfKey(key)].join('/');
}

function placeOfRun({ bucket, prefix }: ValueBucketOptions, dagRunId: string): string {
  return `s3://${bucket}/${prefix}/${dagRunId}/`;
}

async function orUnavailable<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TradewindError) throw error;
    const advice = 'Check xcom.store, its address, the credentials and the policy of the bucket';
    throw new TradewindError('value_store_unavailable', `${what}: ${describe(error)}. ${advice}.`, { cause: error });
  }
}

/**
 * The service's own name for the error says more than its message, the status more than what the SDK makes of an answer that is not S3's; Node gives an error without a message
 * where every address of a host refused the connection.
 */
function describe(error: unknown): string {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  const known = [name, code].find((word) => typeof word === 'string' && word !== 'Error' && word !== 'AggregateError');
  const [message = ''] = messageOf(error).trim().split('\n');
  const status = statusOf(error);
  return [known, message.replace(/\.$/, ''), status === undefined ? '' : `HTTP ${status}`]
    .filter((part) => typeof part === 'string' && part !== '')
    .join(': ');
}

/** Undefined where nothing was answered. */
function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
