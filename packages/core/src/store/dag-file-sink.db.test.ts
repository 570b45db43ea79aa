import type { SerializedDag } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { DagFileSink, ParsedFile } from '../dag-processor/dag-file-sink.ts';
import { systemRandom } from '../platform/random.ts';
import { selectDagVersions } from './active-runs.ts';
import { createDagFileSink } from './dag-file-sink.ts';
import type { Database } from './database.ts';
import { saveParsedFile } from './save-parsed-file.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { beforeEveryBatch, beforeSecondBatch } from './testing/interfering-database.ts';
import { hashed, serializedAsset, serializedDag, serializedTask } from './testing/serialized-dag.ts';
import { insert } from './testing/transition-fixtures.ts';
import { rescheduleDags } from './transitions/save-dags.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const DAY_MS = 86_400_000;
const daily = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' } as const;

function sinkOn(database: Database, now = NOW): DagFileSink {
  return createDagFileSink({ database, clock: { now: () => now, monotonicMs: () => 0, setTimer: () => ({ cancel() {} }) }, random });
}

const random = systemRandom(() => NOW);

function parsed(file: string, dags: readonly SerializedDag[], changes: Partial<ParsedFile> = {}): ParsedFile {
  return {
    file,
    contentHash: `content of ${file}`,
    dependencies: { [file]: `content of ${file}` },
    version: { bundleVersion: 'bundle-1', bundleFolder: '/dags', manifestFile: '/state/manifest.json' },
    dags: dags.map(hashed),
    warnings: [],
    parseMs: 12.6,
    ...changes,
  };
}

const dagRow = (database: Database, dagId = 'orders') =>
  database.reads.selectFrom('dag').selectAll().where('dagId', '=', dagId).executeTakeFirst();
const versionsOf = async (database: Database, dagId = 'orders'): Promise<string[]> => {
  const rows = await database.reads.selectFrom('dagVersion').selectAll().where('dagId', '=', dagId).orderBy('versionNumber').execute();
  return rows.map(({ versionNumber, bundleVersion }) => `${versionNumber} on ${bundleVersion}`);
};

describeDatabases('saveParsedFile', (open) => {
  describe('dags', () => {
    test('a new dag gets a first version, its file and everything that lists show', async () => {
      const database = await open();
      const dag = serializedDag({
        displayName: 'Orders',
        description: 'a\u0000b',
        owner: 'sales',
        tags: ['daily', "it's"],
        schedule: daily,
        catchup: true,
        isPausedUponCreation: true,
        maxActiveRuns: 3,
        maxActiveTasks: 5,
      });
      const [given] = parsed('orders.ts', [dag]).dags;
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [dag]));
      const row = await dagRow(database);
      expect(row).toMatchObject({
        dagId: 'orders',
        file: 'orders.ts',
        isPaused: 1,
        isStale: 0,
        bundleVersion: 'bundle-1',
        displayName: 'Orders',
        description: 'a\u2400b',
        owner: 'sales',
        tags: `["daily","it's"]`,
        schedule: JSON.stringify(daily),
        scheduleSummary: '0 0 * * *',
        catchup: 1,
        maxActiveRuns: 3,
        maxActiveTasks: 5,
        nextRunAt: Date.parse('2026-11-22T00:00:00Z'),
        parsedAt: NOW,
        parseMs: 13,
        createdAt: NOW,
      });
      const version = await database.reads.selectFrom('dagVersion').selectAll().executeTakeFirstOrThrow();
      expect(version).toMatchObject({
        id: row?.dagVersionId,
        dagId: 'orders',
        versionNumber: 1,
        contentHash: given?.serializedHash,
        createdAt: NOW,
      });
      expect(JSON.parse(version.serialized)).toEqual(dag);
    });

    test('a dag that is read again as it was keeps its version', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('orders.ts', [serializedDag()]));
      await sink.saveParsedFile(
        parsed('orders.ts', [serializedDag()], { version: { bundleVersion: 'bundle-2', bundleFolder: '', manifestFile: '' } }),
      );
      expect(await versionsOf(database)).toEqual(['1 on bundle-1']);
      expect(await dagRow(database)).toMatchObject({ bundleVersion: 'bundle-2' });
    });

    test('every change is a version, also the way back', async () => {
      const database = await open();
      const sink = sinkOn(database);
      for (const maxActiveRuns of [1, 2, 1]) await sink.saveParsedFile(parsed('orders.ts', [serializedDag({ maxActiveRuns })]));
      expect(await versionsOf(database)).toEqual(['1 on bundle-1', '2 on bundle-1', '3 on bundle-1']);
      const current = await database.reads
        .selectFrom('dag')
        .innerJoin('dagVersion', 'dagVersion.id', 'dag.dagVersionId')
        .select(['dagVersion.versionNumber', 'dag.maxActiveRuns'])
        .executeTakeFirst();
      expect(current).toEqual({ versionNumber: 3, maxActiveRuns: 1 });
    });

    test('says which dags are new, changed, unchanged and stale', async () => {
      const database = await open();
      const ids = { now: NOW, newId: () => random.uuid() };
      await saveParsedFile(
        database,
        parsed(
          'a.ts',
          ['same', 'other', 'gone'].map((dagId) => serializedDag({ dagId })),
        ),
        ids,
      );
      const dags = [serializedDag({ dagId: 'same' }), serializedDag({ dagId: 'other', catchup: true }), serializedDag({ dagId: 'fresh' })];
      expect(await saveParsedFile(database, parsed('a.ts', dags), ids)).toEqual({
        newDags: ['fresh'],
        changedDags: ['other'],
        unchangedDags: ['same'],
        staleDags: ['gone'],
      });
    });

    test('only the first reading decides whether a dag is paused', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('orders.ts', [serializedDag()]));
      await sink.saveParsedFile(parsed('orders.ts', [serializedDag({ isPausedUponCreation: true })]));
      expect(await dagRow(database)).toMatchObject({ isPaused: 0 });
    });

    test('a dag that its file no longer defines is stale, and one that comes back is not', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('a.ts', [serializedDag({ dagId: 'one' }), serializedDag({ dagId: 'two' })]));
      await sink.saveParsedFile(parsed('b.ts', [serializedDag({ dagId: 'other' })]));
      await sink.saveParsedFile(parsed('a.ts', [serializedDag({ dagId: 'two' })]));
      const stale = () => database.reads.selectFrom('dag').select('dagId').where('isStale', '=', 1).orderBy('dagId').execute();
      expect(await stale()).toEqual([{ dagId: 'one' }]);
      await sink.saveParsedFile(parsed('a.ts', [serializedDag({ dagId: 'one' })]));
      expect(await stale()).toEqual([{ dagId: 'two' }]);
    });

    test('a dag that moved to another file belongs to that one, with a version that names it; runs on the earlier version find the earlier file', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('b.ts', [serializedDag()]));
      const before = (await dagRow(database))?.dagVersionId ?? '';
      await sink.saveParsedFile(parsed('team//.//a.ts', [serializedDag()]));
      await sink.saveParsedFile(parsed('b.ts', []));
      const after = await dagRow(database);
      expect(after).toMatchObject({ file: 'team//.//a.ts', bundleName: 'team', isStale: 0 });
      const [versions] = await database.batch([selectDagVersions([before, after?.dagVersionId ?? ''])]);
      expect(new Map(versions.map(({ id, file }) => [id, file]))).toEqual(
        new Map([
          [before, 'b.ts'],
          [after?.dagVersionId, 'team//.//a.ts'],
        ]),
      );
      expect(await versionsOf(database)).toHaveLength(2);
    });

    test('two readings of one file at once leave one of them, whole', async () => {
      const [one, two] = [await open(), await open()];
      const outcomes = await Promise.allSettled(
        [one, two].map((database, index) => sinkOn(database).saveParsedFile(parsed('a.ts', [serializedDag({ maxActiveRuns: index + 1 })]))),
      );
      expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
      const versions = await one.reads
        .selectFrom('dagVersion')
        .select(['id', 'versionNumber', 'serialized'])
        .orderBy('versionNumber')
        .execute();
      const row = await dagRow(one);
      const newest = versions.at(-1);
      expect(row?.dagVersionId).toBe(newest?.id);
      expect((JSON.parse(newest?.serialized ?? '{}') as SerializedDag).maxActiveRuns).toBe(row?.maxActiveRuns);
    });
  });

  describe('the due time', () => {
    const nextRunAt = async (database: Database): Promise<string | undefined> => {
      const at = (await dagRow(database))?.nextRunAt;
      return at === undefined || at === null ? undefined : new Date(at).toISOString();
    };
    const insertScheduledRun = async (database: Database, logicalAt: number): Promise<void> => {
      const row = await dagRow(database);
      const run = {
        run_type: 'scheduled',
        state: 'success',
        triggered_by: 'timetable',
        conf: '{}',
        logical_at: logicalAt,
        run_after_at: logicalAt,
      };
      const origin = { dag_id: 'orders', dag_version_id: row?.dagVersionId ?? '', bundle_version: 'bundle-1', queued_at: logicalAt };
      await database.batch([insert('dag_run', { id: `run-${logicalAt}`, run_id: `scheduled__${logicalAt}`, ...run, ...origin })]);
    };

    test('stays where the scheduler left it while the schedule stays', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      const advanced = Date.parse('2026-11-23T00:00:00Z');
      await database.batch([
        rescheduleDags([{ dagId: 'orders', expectedNextRunAt: Date.parse('2026-11-22T00:00:00Z'), nextRunAt: advanced }]),
      ]);
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily, owner: 'sales' })]));
      expect(await nextRunAt(database)).toBe('2026-11-23T00:00:00.000Z');
    });

    test.each<[string, Partial<SerializedDag>, string | undefined]>([
      ['the schedule', { schedule: { ...daily, expression: '0 12 * * *' } }, '2026-11-21T12:00:00.000Z'],
      ['the time zone', { schedule: { ...daily, timezone: 'Asia/Kathmandu' } }, '2026-11-21T18:15:00.000Z'],
      ['the start date', { startDate: '2026-12-24T00:00:00Z' }, '2026-12-24T00:00:00.000Z'],
      ['the end date', { endDate: '2026-11-21T12:00:00Z' }, undefined],
      ['catchup, which finds what was missed since the last run', { catchup: true }, '2026-11-21T00:00:00.000Z'],
      ['no schedule', { schedule: { kind: 'none' } }, undefined],
    ])('is decided anew with %s', async (_, changes, expected) => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      if (changes.catchup === true) await insertScheduledRun(database, Date.parse('2026-11-20T00:00:00Z'));
      await sink.saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily, ...changes })]));
      expect(await nextRunAt(database)).toBe(expected);
    });

    test('is decided again where the scheduler moves it on meanwhile', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      const ran = Date.parse('2026-11-22T00:00:00Z');
      const racing = beforeSecondBatch(database, async () => {
        await insertScheduledRun(database, ran);
        await database.batch([rescheduleDags([{ dagId: 'orders', expectedNextRunAt: ran, nextRunAt: ran + DAY_MS }])]);
      });
      const hourly = serializedDag({ schedule: { ...daily, expression: '0 * * * *' } });
      await sinkOn(racing, ran).saveParsedFile(parsed('orders.ts', [hourly]));
      expect(await nextRunAt(database)).toBe('2026-11-22T01:00:00.000Z');
    });

    test('is a conflict where it never rests', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      let nextRunAt = Date.parse('2026-11-22T00:00:00Z');
      const restless = beforeEveryBatch(database, async () => {
        await database.batch([rescheduleDags([{ dagId: 'orders', expectedNextRunAt: nextRunAt, nextRunAt: nextRunAt + DAY_MS }])]);
        nextRunAt += DAY_MS;
      });
      const hourly = serializedDag({ schedule: { ...daily, expression: '0 * * * *' } });
      await expect(sinkOn(restless).saveParsedFile(parsed('orders.ts', [hourly]))).rejects.toMatchObject({ code: 'conflict' });
    });

    test('is decided anew for a dag that comes back, so that what it missed does not pile up', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      await sinkOn(database).removeFiles(['orders.ts']);
      await sinkOn(database, NOW + 30 * DAY_MS).saveParsedFile(parsed('orders.ts', [serializedDag({ schedule: daily })]));
      expect(await nextRunAt(database)).toBe('2026-12-22T00:00:00.000Z');
    });
  });

  describe('assets', () => {
    const queue = { transport: 'sqs', queue: 'orders-queue' } as const;
    const incoming = serializedAsset('orders', { watchers: [queue] });
    const outgoing = serializedAsset('report', { publish: { transport: 'sns', topic: 'reports' }, extra: { team: 'sales' } });
    const consumer = (changes: Partial<SerializedDag> = {}): SerializedDag =>
      serializedDag({
        dagId: 'consumer',
        schedule: { kind: 'asset', any: ['orders'] },
        tasks: [serializedTask('send', { outlets: ['report'] })],
        assets: [incoming, outgoing],
        ...changes,
      });
    const subscriptions = (database: Database) =>
      database.reads.selectFrom('subscription').select(['name', 'isActive']).orderBy('name').execute();
    const watchers = (database: Database) =>
      database.reads
        .selectFrom('assetWatcher')
        .innerJoin('asset', 'asset.id', 'assetWatcher.assetId')
        .select(['asset.name', 'assetWatcher.subscription', 'assetWatcher.eventType'])
        .orderBy('asset.name')
        .execute();

    test('are saved with their bindings, watchers and subscriptions', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('a.ts', [consumer()]));
      const assets = await database.reads.selectFrom('asset').selectAll().orderBy('name').execute();
      expect(assets).toMatchObject([
        { name: 'orders', uri: 'orders', assetGroup: 'asset', extra: null, eventType: 'orders.changed', publish: null, createdAt: NOW },
        { name: 'report', extra: '{"team":"sales"}', eventType: 'report.changed', publish: '{"transport":"sns","topic":"reports"}' },
      ]);
      const [orders, report] = assets;
      expect(await database.reads.selectFrom('dagScheduleAsset').selectAll().execute()).toEqual([
        { dagId: 'consumer', assetId: orders?.id },
      ]);
      expect(await database.reads.selectFrom('taskOutletAsset').selectAll().execute()).toEqual([
        { dagId: 'consumer', taskId: 'send', assetId: report?.id },
      ]);
      expect(await watchers(database)).toEqual([{ name: 'orders', subscription: 'sqs:orders-queue', eventType: null }]);
      expect(await database.reads.selectFrom('subscription').selectAll().execute()).toEqual([
        {
          name: 'sqs:orders-queue',
          transport: 'sqs',
          source: 'orders-queue',
          isActive: 1,
          state: 'stopped',
          reason: null,
          changedAt: NOW,
          lastPollAt: null,
          lastMessageAt: null,
        },
      ]);
    });

    test('saved twice are the same rows', async () => {
      const database = await open();
      await sinkOn(database).saveParsedFile(parsed('a.ts', [consumer()]));
      const before = await Promise.all([
        watchers(database),
        subscriptions(database),
        database.reads.selectFrom('asset').selectAll().orderBy('id').execute(),
      ]);
      await sinkOn(database, NOW + 1).saveParsedFile(parsed('a.ts', [consumer()]));
      const after = await Promise.all([
        watchers(database),
        subscriptions(database),
        database.reads.selectFrom('asset').selectAll().orderBy('id').execute(),
      ]);
      expect(after).toEqual(before);
    });

    test('lose bindings that the dag no longer has, and the subscription is no longer active', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('a.ts', [consumer()]));
      await sink.saveParsedFile(parsed('a.ts', [consumer({ schedule: { kind: 'none' }, tasks: [], assets: [] })]));
      expect(await database.reads.selectFrom('dagScheduleAsset').selectAll().execute()).toEqual([]);
      expect(await database.reads.selectFrom('taskOutletAsset').selectAll().execute()).toEqual([]);
      expect(await watchers(database)).toEqual([]);
      expect(await subscriptions(database)).toEqual([{ name: 'sqs:orders-queue', isActive: 0 }]);
      await sink.saveParsedFile(parsed('a.ts', [consumer()]));
      expect(await subscriptions(database)).toEqual([{ name: 'sqs:orders-queue', isActive: 1 }]);
    });

    test('are watched as long as one dag of any file is scheduled on them and says so', async () => {
      const database = await open();
      const sink = sinkOn(database);
      const blind = serializedDag({ dagId: 'blind', schedule: { kind: 'asset', any: ['orders'] }, assets: [serializedAsset('orders')] });
      await sink.saveParsedFile(parsed('a.ts', [consumer()]));
      await sink.saveParsedFile(parsed('b.ts', [blind]));
      await sink.saveParsedFile(parsed('c.ts', [consumer({ dagId: 'second' })]));
      expect(await watchers(database)).toHaveLength(1);
      await sink.removeFiles(['a.ts']);
      expect(await subscriptions(database)).toEqual([{ name: 'sqs:orders-queue', isActive: 1 }]);
      await sink.removeFiles(['c.ts']);
      expect(await watchers(database)).toEqual([]);
      expect(await subscriptions(database)).toEqual([{ name: 'sqs:orders-queue', isActive: 0 }]);
    });

    test('move to another queue and type with the dag', async () => {
      const database = await open();
      const sink = sinkOn(database);
      await sink.saveParsedFile(parsed('a.ts', [consumer()]));
      const watchersNow = [{ transport: 'sqs', queue: 'other', type: 'order.placed' }] as const;
      await sink.saveParsedFile(parsed('a.ts', [consumer({ assets: [serializedAsset('orders', { watchers: watchersNow }), outgoing] })]));
      expect(await watchers(database)).toEqual([{ name: 'orders', subscription: 'sqs:other', eventType: 'order.placed' }]);
      expect(await subscriptions(database)).toEqual([
        { name: 'sqs:orders-queue', isActive: 0 },
        { name: 'sqs:other', isActive: 1 },
      ]);
    });

    test('that are only waited for do not lose where their events go', async () => {
      const database = await open();
      const sink = sinkOn(database);
      const publish = async () =>
        (await database.reads.selectFrom('asset').select('publish').where('name', '=', 'report').executeTakeFirst())?.publish;
      await sink.saveParsedFile(parsed('a.ts', [consumer()]));
      await sink.saveParsedFile(
        parsed('b.ts', [
          serializedDag({ dagId: 'reader', schedule: { kind: 'asset', any: ['report'] }, assets: [serializedAsset('report')] }),
        ]),
      );
      expect(await publish()).toBe('{"transport":"sns","topic":"reports"}');
      await sink.saveParsedFile(parsed('a.ts', [consumer({ assets: [incoming, serializedAsset('report')] })]));
      expect(await publish()).toBeNull();
    });
  });

  describe('files', () => {
    test('are known with their dags, dependencies and import errors', async () => {
      const database = await open();
      const sink = sinkOn(database);
      const file = parsed('b.ts', [serializedDag({ dagId: 'two' }), serializedDag({ dagId: 'one' })], {
        dependencies: { 'b.ts': 'x', 'lib.ts': 'y' },
      });
      await sink.saveParsedFile(file);
      await sink.saveParsedFile(parsed('library.ts', [], { warnings: ['odd'] }));
      await sink.saveImportError({ file: 'a.ts', contentHash: 'broken', version: file.version, error: { message: 'no' } });
      await sink.saveImportError({ file: 'z.ts', contentHash: undefined, version: file.version, error: { message: 'unreadable' } });
      const hash = (dagId: string): string => hashed(serializedDag({ dagId })).serializedHash;
      expect(await sink.loadKnownFiles()).toEqual([
        { file: 'a.ts', contentHash: 'broken', dependencies: {}, dags: [], hasImportError: true },
        {
          file: 'b.ts',
          contentHash: 'content of b.ts',
          dependencies: { 'b.ts': 'x', 'lib.ts': 'y' },
          dags: [
            { dagId: 'one', serializedHash: hash('one') },
            { dagId: 'two', serializedHash: hash('two') },
          ],
          hasImportError: false,
        },
        {
          file: 'library.ts',
          contentHash: 'content of library.ts',
          dependencies: { 'library.ts': 'content of library.ts' },
          dags: [],
          hasImportError: false,
        },
        { file: 'z.ts', contentHash: '', dependencies: {}, dags: [], hasImportError: true },
      ]);
      expect(await database.reads.selectFrom('dagFile').select('warnings').where('path', '=', 'library.ts').execute()).toEqual([
        { warnings: '["odd"]' },
      ]);
    });

    test('with an import error keep their dags as they were', async () => {
      const database = await open();
      const sink = sinkOn(database);
      const file = parsed('a.ts', [serializedDag()]);
      await sink.saveParsedFile(file);
      const before = await dagRow(database);
      const error = { message: 'Unexpected token', file: 'a.ts', line: 3, column: 7, excerpt: '3 | )', stack: 'at a.ts:3:7' };
      await sink.saveImportError({ file: 'a.ts', contentHash: 'broken', version: file.version, error });
      expect(await dagRow(database)).toEqual(before);
      const errors = () => database.reads.selectFrom('importError').selectAll().execute();
      const [first] = await errors();
      expect(first).toMatchObject({
        path: 'a.ts',
        message: 'Unexpected token',
        line: 3,
        columnNumber: 7,
        excerpt: '3 | )',
        stack: 'at a.ts:3:7',
        createdAt: NOW,
      });
      await sink.saveImportError({
        file: 'a.ts',
        contentHash: 'worse',
        version: file.version,
        error: { message: 'gone\u0000', file: 'lib.ts', line: 1 },
      });
      expect(await errors()).toMatchObject([{ id: first?.id, message: 'in lib.ts: gone\u2400', line: 1, columnNumber: null, stack: null }]);
      await sink.saveParsedFile(file);
      expect(await errors()).toEqual([]);
    });

    test('that did not change move to the new bundle version without a new dag version', async () => {
      const database = await open();
      const sink = sinkOn(database);
      const file = parsed('a.ts', [serializedDag({ dagId: 'one' })]);
      await sink.saveParsedFile(file);
      await sink.saveParsedFile(parsed('b.ts', [serializedDag({ dagId: 'two' })]));
      await sink.moveFiles(['a.ts'], { ...file.version, bundleVersion: 'bundle-2' });
      expect(await database.reads.selectFrom('dag').select(['dagId', 'bundleVersion']).orderBy('dagId').execute()).toEqual([
        { dagId: 'one', bundleVersion: 'bundle-2' },
        { dagId: 'two', bundleVersion: 'bundle-1' },
      ]);
      expect(await versionsOf(database, 'one')).toEqual(['1 on bundle-1']);
    });

    test('that are gone take their dags and import errors with them, and no other', async () => {
      const database = await open();
      const sink = sinkOn(database);
      for (const name of ['a', 'b', 'c']) await sink.saveParsedFile(parsed(`${name}.ts`, [serializedDag({ dagId: name })]));
      await sink.saveImportError({ file: 'a.ts', contentHash: 'x', version: parsed('a.ts', []).version, error: { message: 'no' } });
      await sink.removeFiles(['a.ts', 'c.ts', 'never.ts']);
      await sink.removeFiles(['a.ts']);
      expect(await database.reads.selectFrom('dag').select('dagId').where('isStale', '=', 0).execute()).toEqual([{ dagId: 'b' }]);
      expect(await database.reads.selectFrom('importError').selectAll().execute()).toEqual([]);
      expect((await sink.loadKnownFiles()).map(({ file }) => file)).toEqual(['b.ts']);
      expect(await versionsOf(database, 'a')).toHaveLength(1);
    });

    test('several have the same effect together as one after the other', async () => {
      const [together, apart] = [await open(), await open()];
      const first = [parsed('a.ts', [serializedDag({ dagId: 'one' }), serializedDag({ dagId: 'two' })]), parsed('b.ts', [])];
      const second = [
        parsed('a.ts', [serializedDag({ dagId: 'one', schedule: daily })]),
        parsed('b.ts', [serializedDag({ dagId: 'two' })]),
      ];
      for (const files of [first, second]) {
        await sinkOn(together).saveParsedFiles(files);
        for (const file of files) await sinkOn(apart).saveParsedFile(file);
      }
      const rowsOf = (database: Database): Promise<unknown> =>
        database.reads.selectFrom('dag').select(['dagId', 'file', 'isStale', 'nextRunAt']).orderBy('dagId').execute();
      expect(await rowsOf(together)).toEqual(await rowsOf(apart));
      expect(await rowsOf(together)).toMatchObject([
        { dagId: 'one', file: 'a.ts', isStale: 0 },
        { dagId: 'two', file: 'b.ts', isStale: 0 },
      ]);
    });

    test('of which one cannot be saved are saved when they come again', async () => {
      const database = await open();
      const impossible = parsed('b.ts', [], { contentHash: null as unknown as string });
      await expect(sinkOn(database).saveParsedFiles([parsed('a.ts', [serializedDag()]), impossible])).rejects.toThrow(/null/i);
      await sinkOn(database).saveParsedFiles([parsed('a.ts', [serializedDag()]), parsed('b.ts', [])]);
      expect(await dagRow(database)).toMatchObject({ file: 'a.ts', isStale: 0 });
      expect(await versionsOf(database)).toEqual(['1 on bundle-1']);
      await sinkOn(database).saveParsedFiles([]);
    });

    test('with 300 dags are saved in one transaction', async () => {
      const database = await open();
      const dags = Array.from({ length: 300 }, (_, index) => serializedDag({ dagId: `dag-${index}`, schedule: daily }));
      await sinkOn(database).saveParsedFile(parsed('many.ts', dags));
      const [counted] = await database.reads
        .selectFrom('dag')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('nextRunAt', 'is not', null)
        .execute();
      expect(counted).toEqual({ total: 300 });
    });
  });
});
