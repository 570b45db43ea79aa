/** The way of an event over a real SNS and SQS protocol: emulator, AWS SDK, consumer, database. Only the cloud is missing. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { subscriptionBalances } from '../store/reads/federation.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { startEmbeddedBroker, type EmbeddedBroker } from './embedded-broker.ts';
import { startFederation, type Federation } from './federation.ts';
import { seedOutbox } from './testing/seed-outbox.ts';
import { seedSubscription } from './testing/seed-subscription.ts';
import { createSnsPublisher } from './transports/sns-publisher.ts';
import { provisionTopology } from './transports/provision-topology.ts';
import { connectSqs } from './transports/sqs-source.ts';

const QUEUES = ['raw', 'enveloped'];
const REGION = { region: { type: 'string', enum: ['eu', 'us'] } };

let broker: EmbeddedBroker;
let database: Database;
let sns: SNSClient;
let sqs: SQSClient;
let ends: (() => Promise<void> | void)[];

beforeEach(async () => {
  ends = [];
  broker = await startEmbeddedBroker();
  sns = new SNSClient(broker.aws);
  sqs = new SQSClient({ ...broker.aws, useQueueUrlAsEndpoint: false });
  database = openSqlite({ file: ':memory:', now: () => systemClock.now() });
  await migrate(database, systemClock.now());
  await provisionTopology(
    {
      topics: ['orders'],
      queues: QUEUES.map((name) => ({ name })),
      subscriptions: QUEUES.map((queue) => ({ topic: 'orders', queue, rawMessageDelivery: queue === 'raw' })),
    },
    broker.aws,
  );
  for (const queue of QUEUES) {
    const dags = [{ dagId: `load-${queue}`, params: REGION }];
    await seedSubscription(database, { subscription: queue, assets: [{ name: `orders-${queue}`, dags }] });
  }
});

afterEach(async () => {
  for (const end of ends.toReversed()) await end();
  sns.destroy();
  sqs.destroy();
  await database.close();
  await broker.close();
});

function start(onRunRequested: () => void = () => {}): Federation {
  const connections = connectSqs(broker.aws);
  const federation = startFederation({
    database,
    clock: systemClock,
    random: systemRandom(() => systemClock.now()),
    log: silentLog,
    openSource: ({ source }) => connections.openSource(source),
    publisher: createSnsPublisher(broker.aws),
    onRunRequested,
  });
  ends.push(async () => {
    await federation.stop();
    connections.close();
  });
  return federation;
}

async function sendTo(queue: string, bodies: readonly string[]): Promise<void> {
  for (let from = 0; from < bodies.length; from += 10) {
    const Entries = bodies.slice(from, from + 10).map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: `${broker.aws.endpoint}/${broker.aws.accountId}/${queue}`, Entries }));
  }
}

const eventually = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });
const requests = () => database.reads.selectFrom('runRequest').selectAll().orderBy('dagId').execute();

test('an event from the outbox reaches a raw and an enveloped queue and asks for one run of each dag', async () => {
  let wakes = 0;
  const federation = start(() => (wakes += 1));
  await seedOutbox(database, { ids: ['event-a'], now: systemClock.now(), data: { region: 'eu', text: 'ÄЖ漢🚀' } });
  federation.wake();
  await eventually(async () => {
    expect(await requests()).toHaveLength(2);
  });
  expect((await requests()).map(({ dagId, state, conf }) => [dagId, state, conf])).toEqual([
    ['load-enveloped', 'pending', '{"region":"eu"}'],
    ['load-raw', 'pending', '{"region":"eu"}'],
  ]);
  const inbox = await database.reads.selectFrom('inbox').select(['eventId', 'eventSource', 'eventType']).execute();
  expect(inbox).toEqual(QUEUES.map(() => ({ eventId: 'event-a', eventSource: '/tradewind/sales/load', eventType: 'orders.completed' })));
  expect(await database.reads.selectFrom('outbox').select('state').execute()).toEqual([{ state: 'sent' }]);
  expect(wakes).toBe(2);
});

test('a malformed body lands in quarantine with the reason, and the queue goes on', async () => {
  start();
  const good = (id: string): string => JSON.stringify({ specversion: '1.0', id, source: '/peer', type: 't', data: { region: 'us' } });
  await sendTo('raw', [good('a'), '{"specversion":"1.0","id":"x"}', 'poison', good('b')]);
  await sns.send(
    new PublishCommand({ TopicArn: `arn:aws:sns:${broker.aws.region}:${broker.aws.accountId}:orders`, Message: '{"region":"mars"}' }),
  );
  await eventually(async () => {
    const balances = await subscriptionBalances(database);
    expect(balances.map(({ name, pending, quarantined }) => [name, pending, quarantined])).toEqual([
      ['enveloped', 0, 1],
      ['raw', 2, 3],
    ]);
  });
  const rows = await database.reads
    .selectFrom('inbox')
    .select(['reason', 'body'])
    .where('status', '=', 'quarantined')
    .orderBy('id')
    .execute();
  const reasons = rows.map(({ reason }) => reason ?? '');
  expect(reasons.filter((reason) => reason.includes('not a valid CloudEvent'))).toHaveLength(1);
  expect(reasons.filter((reason) => reason.includes('$.region'))).toHaveLength(3);
});

test('a burst with copies makes one run of each event, and nothing is left on the queue', async () => {
  const bodies = Array.from({ length: 300 }, (_, index) =>
    JSON.stringify({ specversion: '1.0', id: `e-${index % 200}`, source: '/peer', type: 't', data: { region: 'eu' } }),
  );
  await sendTo('raw', bodies);
  start();
  start();
  await eventually(async () => {
    const [, raw] = await subscriptionBalances(database);
    expect(raw).toMatchObject({ received: 300, pending: 200, deduplicated: 100 });
  });
  expect(new Set((await requests()).map(({ runId }) => runId)).size).toBe(200);
});

test('a queue that does not exist is shown as blocked, and is polled as soon as it is made', async () => {
  await seedSubscription(database, { subscription: 'late', assets: [] });
  start();
  const stateOf = async () =>
    (await database.reads.selectFrom('subscription').selectAll().where('name', '=', 'late').executeTakeFirst())?.state;
  await eventually(async () => {
    expect(await stateOf()).toBe('blocked');
  });
  await provisionTopology({ topics: [], queues: [{ name: 'late' }], subscriptions: [] }, broker.aws);
  await eventually(async () => {
    expect(await stateOf()).toBe('polling');
  });
});

test('stop ends long polls at once', async () => {
  const federation = start();
  await eventually(async () => {
    const states = await database.reads.selectFrom('subscription').select('state').execute();
    expect(states.map(({ state }) => state)).toEqual(['polling', 'polling']);
  });
  // The polls that are under way would last twenty seconds; the test has ten.
  await federation.stop();
}, 10_000);
