import type { JsonObject, SerializedDag } from '@tradewind/protocol';
import type { Database } from '../../store/database.ts';

/** What a test's environment watches and starts. */
export interface SeededSubscription {
  /** @default 'orders-queue', also the name of the queue */
  readonly subscription?: string;
  /** @default one asset without a type filter and one dag on it that takes anything */
  readonly assets?: readonly SeededAsset[];
}

/** An asset that the subscription's messages are events of. */
export interface SeededAsset {
  readonly name: string;
  /** @default every type */
  readonly eventType?: string;
  /** Each dag is scheduled on the asset; the same name may be given twice. */
  readonly dags: readonly { readonly dagId: string; readonly params?: Readonly<Record<string, JsonObject>>; readonly isStale?: boolean }[];
}

export const SEEDED_SUBSCRIPTION = 'orders-queue';
const AT = Date.parse('2026-01-01T00:00:00Z');

/** Writes the rows that the dag processor would write for such dags. */
export async function seedSubscription(database: Database, seeded: SeededSubscription = {}): Promise<void> {
  const name = seeded.subscription ?? SEEDED_SUBSCRIPTION;
  const assets = seeded.assets ?? [{ name: 'orders', dags: [{ dagId: 'load-orders' }] }];
  await database.reads
    .insertInto('subscription')
    .values({
      name,
      transport: 'sqs',
      source: name,
      isActive: 1,
      state: 'stopped',
      reason: null,
      changedAt: AT,
      lastPollAt: null,
      lastMessageAt: null,
    })
    .execute();
  for (const asset of assets) await seedAsset(database, name, asset);
}

async function seedAsset(database: Database, subscription: string, { name, eventType, dags }: SeededAsset): Promise<void> {
  const { id: assetId } = await database.reads
    .insertInto('asset')
    .values({
      name,
      uri: name,
      assetGroup: 'asset',
      extra: null,
      eventType: `${name}.completed`,
      publish: null,
      createdAt: AT,
      updatedAt: AT,
    })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ updatedAt: AT }))
    .returning('id')
    .executeTakeFirstOrThrow();
  await database.reads
    .insertInto('assetWatcher')
    .values({ assetId, subscription, eventType: eventType ?? null })
    .execute();
  for (const dag of dags) {
    await seedDag(database, dag);
    await database.reads.insertInto('dagScheduleAsset').values({ dagId: dag.dagId, assetId }).execute();
  }
}

async function seedDag(database: Database, { dagId, params, isStale }: SeededAsset['dags'][number]): Promise<void> {
  const serialized: Pick<SerializedDag, 'dagId' | 'params'> = { dagId, params: params ?? {} };
  const versionId = `${dagId}-1`;
  await database.reads
    .insertInto('dagVersion')
    .values({
      id: versionId,
      dagId,
      versionNumber: 1,
      contentHash: dagId,
      bundleVersion: 'bundle',
      serialized: JSON.stringify(serialized),
      createdAt: AT,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await database.reads
    .insertInto('dag')
    .values({
      dagId,
      file: `${dagId}.ts`,
      isPaused: 0,
      isStale: isStale === true ? 1 : 0,
      dagVersionId: versionId,
      bundleVersion: 'bundle',
      displayName: null,
      description: null,
      owner: null,
      tags: '[]',
      schedule: '{"kind":"asset"}',
      scheduleSummary: null,
      catchup: 0,
      maxActiveRuns: 16,
      maxActiveTasks: 16,
      nextRunAt: null,
      parsedAt: AT,
      parseMs: 1,
      createdAt: AT,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
