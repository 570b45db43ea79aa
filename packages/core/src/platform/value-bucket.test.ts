import { expect, onTestFinished, test } from 'vitest';
import { systemClock, type Clock } from './clock.ts';
import { startS3Server, type S3Behaviour, type S3Server } from './testing/s3-server.ts';
import { createVirtualClock } from './testing/virtual-clock.ts';
import { openValueBucket } from './value-bucket.ts';
import { describeValueStore, type ValueStoreUnderTest } from './value-store.contract.ts';

const PREFIX = 'teams/sales';

interface Circumstances {
  readonly clock?: Clock;
  readonly requestTimeoutMs?: number;
}

async function openBucket(
  bucket = 'values',
  { clock = systemClock, requestTimeoutMs = 200 }: Circumstances = {},
): Promise<ValueStoreUnderTest & { readonly server: S3Server }> {
  const server = await startS3Server('values');
  const store = openValueBucket({
    bucket,
    prefix: PREFIX,
    answerWithinMs: 400,
    clock,
    client: {
      region: 'eu-central-1',
      endpoint: server.endpoint,
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
      maxAttempts: 1,
      requestHandler: { requestTimeout: requestTimeoutMs, socketTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
    },
  });
  return {
    server,
    store,
    placeOf: (key) => `s3://values/${PREFIX}/${key}`,
    overwrite: (key, body) => server.objects.set(`${PREFIX}/${key}`, { body, writtenAt: 0 }),
    close: () => server.stop(),
  };
}

async function openForTest(bucket?: string, circumstances?: Circumstances): Promise<Awaited<ReturnType<typeof openBucket>>> {
  const opened = await openBucket(bucket, circumstances);
  onTestFinished(async () => {
    opened.store.close();
    await opened.close();
  });
  return opened;
}

describeValueStore('a bucket', () => openBucket());

test('what others keep in the bucket is neither listed nor removed', async () => {
  const { server, store } = await openForTest();
  for (const name of ['teams/sales.csv', `${PREFIX}2/run-1/a.json`, `${PREFIX}/read me/a`, 'run-1/a.json'])
    server.objects.set(name, { body: '[1]', writtenAt: 0 });
  await store.put('run-1', '[1]');
  expect(await store.listRuns()).toEqual(['run-1']);
  await store.removeRun('run-1');
  expect(server.objects.size).toBe(4);
});

test('an object that was written again is young, whatever the clock of this process', async () => {
  const { server, store, overwrite } = await openForTest();
  const { key } = await store.put('run-1', '[1]');
  overwrite(key, '[1]');
  expect(await store.listValues('run-1')).toEqual([{ key, writtenAt: 0 }]);
  await store.put('run-1', '[1]');
  expect((await store.listValues('run-1'))[0]?.writtenAt).toBeGreaterThan(0);
  expect(server.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(2);
});

test.each<[S3Behaviour, RegExp]>([
  ['refuse', /AccessDenied: It says AccessDenied/],
  ['hang', /TimeoutError/],
])('where the service does %s, everything fails in words that name the place', async (behaviour, reason) => {
  const { server, store, placeOf } = await openForTest();
  const reference = await store.put('run-1', '[1]');
  server.behave(behaviour);
  const run = `s3://values/${PREFIX}/run-1/`;
  const failures = [
    [store.put('run-1', '[1]'), `${placeOf(reference.key)} cannot be written: `, 'value_store_unavailable'],
    [store.listRuns(), `s3://values/${PREFIX}/ cannot be listed: `, 'value_store_unavailable'],
    [store.listValues('run-1'), `${run} cannot be listed: `, 'value_store_unavailable'],
    [store.removeRun('run-1'), `${run} cannot be removed: `, 'value_store_unavailable'],
    [store.removeValue(reference.key), `${placeOf(reference.key)} cannot be removed: `, 'value_store_unavailable'],
    [store.get(reference), `cannot be read (`, 'value_unreadable'],
  ] as const;
  const problems = await Promise.all(
    failures.map(([work]) =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  );
  for (const [index, [, words, code]] of failures.entries()) {
    expect(problems[index]).toMatchObject({ code, message: expect.stringContaining(words) as string });
    expect(problems[index]).toMatchObject({ message: expect.stringMatching(reason) as string });
  }
  server.behave('answer');
  expect(await store.get(reference)).toBe('[1]');
});

test('no write and no read waits longer than it may, whatever the limits of single requests', async () => {
  const { server, store } = await openForTest('values', { requestTimeoutMs: 60_000 });
  const reference = await store.put('run-1', '[1]');
  server.behave('hang');
  await expect(store.put('run-1', '[1]')).rejects.toThrow('cannot be written: there was no answer within 400 ms');
  await expect(store.get(reference)).rejects.toThrow('cannot be read (there was no answer within 400 ms)');
});

test('a service that does not answer is asked to take nothing for half a minute, while one that refuses is', async () => {
  const clock = createVirtualClock();
  const { server, store } = await openForTest('values', { clock });
  const writes = (): number => server.requests.filter((request) => request.startsWith('PUT')).length;
  server.behave('refuse');
  await expect(store.put('run-1', '[1]')).rejects.toThrow('AccessDenied');
  server.behave('hang');
  await expect(store.put('run-1', '[1]')).rejects.toThrow('TimeoutError');
  server.behave('answer');
  await clock.advance(29_999);
  await expect(store.put('run-1', '[1]')).rejects.toThrow('did not answer a moment ago');
  expect(writes()).toBe(2);
  await clock.advance(1);
  await store.put('run-1', '[1]');
  expect(writes()).toBe(3);
});

test('an answer that stops within the value fails', async () => {
  const { server, store, placeOf } = await openForTest();
  const reference = await store.put('run-1', '[1]');
  server.behave('hang-within-body');
  await expect(store.get(reference)).rejects.toMatchObject({
    code: 'value_unreadable',
    message: expect.stringContaining(placeOf(reference.key)) as string,
  });
});

test('a bucket that is not there is named', async () => {
  const { store } = await openForTest('other');
  await expect(store.put('run-1', '[1]')).rejects.toMatchObject({
    code: 'value_store_unavailable',
    message: expect.stringMatching(/^s3:\/\/other\/.* cannot be written: NoSuchBucket: .*Check xcom\.store/) as string,
  });
});

test('a service that is gone is an error that names what did not work', async () => {
  const { server, store } = await openForTest();
  await server.stop();
  await expect(store.listRuns()).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') as string });
});
