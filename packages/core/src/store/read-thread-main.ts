/** The thread behind `read-thread.ts`: one read-only connection, one query after the other. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../platform/errors.ts';
import type { ReadReply, ReadRequest } from './read-thread.ts';

/** Texts come from Kysely, so there are a few dozen shapes; a limit keeps lists of many lengths from piling up. */
const MOST_PREPARED = 200;

const connection = new DatabaseSync((workerData as { file: string }).file, { readOnly: true, timeout: 5_000 });
const prepared = new Map<string, StatementSync>();

parentPort?.on('message', (request: ReadRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer({ id, text, values }: ReadRequest): ReadReply {
  try {
    return { id, rows: prepare(text).all(...(values as SQLInputValue[])) };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}

function prepare(text: string): StatementSync {
  let statement = prepared.get(text);
  if (statement === undefined) {
    if (prepared.size >= MOST_PREPARED) prepared.clear();
    statement = connection.prepare(text);
    prepared.set(text, statement);
  }
  return statement;
}
