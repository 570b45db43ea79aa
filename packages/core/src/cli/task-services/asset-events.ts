import { decodeJson, type JsonValue, type SerializedDag, type TaskResponse } from '@tradewind/protocol';
import type { Database } from '../../store/database.ts';
import { readSerializedDag, type LiveAttempt } from '../../store/reads/attempts.ts';
import { listInletEvents } from '../../store/reads/inlet-events.ts';
import type { RequestOf } from './task-services.ts';

/** How many events are answered where nothing is said, and at most: an answer is one message. */
const DEFAULT_LIMIT = 100;
const MOST_EVENTS = 1_000;

/** The events of an asset that is one of the task's inlets, in the version of the dag that the attempt runs. */
export async function answerAssetEvents(database: Database, attempt: LiveAttempt, wish: RequestOf<'asset_events'>): Promise<TaskResponse> {
  const { assetName, after, before, limit = DEFAULT_LIMIT, newestFirst = false } = wish;
  if (!(await isInlet(database, attempt, assetName))) {
    const message = `asset "${assetName}" is not one of the inlets of task "${attempt.taskId}"; add it to the task`;
    return { ok: false, code: 'forbidden', message };
  }
  const events = await listInletEvents(database, {
    assetName,
    after: after === undefined ? undefined : Date.parse(after),
    before: before === undefined ? undefined : Date.parse(before),
    limit: Math.min(limit, MOST_EVENTS),
    newestFirst,
  });
  return { ok: true, value: events as unknown as JsonValue };
}

async function isInlet(database: Database, { dagVersionId, taskId }: LiveAttempt, assetName: string): Promise<boolean> {
  const serialized = await readSerializedDag(database, dagVersionId);
  if (serialized === undefined) return false;
  const { tasks } = decodeJson(serialized) as unknown as SerializedDag;
  return tasks.find((task) => task.taskId === taskId)?.inlets?.includes(assetName) === true;
}
