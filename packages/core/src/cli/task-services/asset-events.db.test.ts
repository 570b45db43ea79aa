import { expect, test } from 'vitest';
import type { LiveAttempt } from '../../store/reads/attempts.ts';
import { reportEvent, saveDags } from '../../store/testing/asset-fixtures.ts';
import { describeDatabases } from '../../store/testing/describe-databases.ts';
import { serializedAsset, serializedDag, serializedTask } from '../../store/testing/serialized-dag.ts';
import { answerAssetEvents } from './asset-events.ts';

const DAG = serializedDag({
  dagId: 'reader',
  assets: [serializedAsset('a'), serializedAsset('b')],
  tasks: [serializedTask('read', { inlets: ['a'], outlets: ['a', 'b'] })],
});

describeDatabases('answerAssetEvents', (open) => {
  const prepare = async () => {
    const database = await open();
    await saveDags(database, [DAG]);
    for (const [index, name] of ['a', 'b', 'a', 'a'].entries()) {
      await reportEvent(database, name, { eventKey: `e${index}`, now: (index + 1) * 1_000, extra: { index } });
    }
    const [version] = await database.reads.selectFrom('dagVersion').select('id').execute();
    const attempt = { dagVersionId: version?.id ?? '', taskId: 'read' } as LiveAttempt;
    return { database, attempt };
  };

  test.each([
    ['all, oldest first', {}, [0, 2, 3]],
    ['the newest', { limit: 1, newestFirst: true as const }, [3]],
    ['those later than an instant', { after: '1970-01-01T00:00:01Z' }, [2, 3]],
    ['those earlier than an instant', { before: '1970-01-01T00:00:04Z' }, [0, 2]],
  ])('answers %s', async (_, wish, expected) => {
    const { database, attempt } = await prepare();
    const answer = await answerAssetEvents(database, attempt, { kind: 'asset_events', assetName: 'a', ...wish });
    const events = answer.ok ? (answer.value as unknown as { assetName: string; extra: { index: number } }[]) : [];
    expect(events.map(({ extra }) => extra.index)).toEqual(expected);
    expect(events[0]).toMatchObject({ assetName: 'a', timestamp: expect.stringMatching(/^1970-01-01T00:00:0/) as string });
  });

  test.each([
    ['an asset that is no inlet of the task', 'b', 'read'],
    ['a task that the version does not have', 'a', 'other'],
  ])('refuses %s', async (_, assetName, taskId) => {
    const { database, attempt } = await prepare();
    const answer = await answerAssetEvents(database, { ...attempt, taskId }, { kind: 'asset_events', assetName });
    expect(answer).toMatchObject({ ok: false, code: 'forbidden' });
  });
});
