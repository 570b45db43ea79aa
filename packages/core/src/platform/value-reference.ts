import { createHash } from 'node:crypto';
import { TradewindError } from './errors.ts';
import type { ValueReference } from './value-store.ts';

const RUN_ID = /^[\w-]{1,100}$/;
const NAME = /^[\w.-]{1,200}$/;

/** The reference to a value of a run in a store: its key is the run's id and the hash of the text, so the same text has the same one. */
export function referTo(store: string, dagRunId: string, text: Buffer): ValueReference {
  const sha256 = hashOf(text);
  return { store, key: `${requireRunId(dagRunId)}/${sha256}.json`, bytes: text.length, sha256 };
}

/** Whether a name in a store can be that of a run. */
export function isRunId(name: string): boolean {
  return RUN_ID.test(name);
}

/**
 * The id of a run, known to lead nowhere else where it becomes part of a path.
 * @throws TradewindError `internal` where it would
 */
export function requireRunId(dagRunId: string): string {
  if (isRunId(dagRunId)) return dagRunId;
  throw new TradewindError('internal', `"${dagRunId}" is no id of a run`);
}

/**
 * The two parts of a key: the run's id and the name of the value in it.
 * @throws TradewindError `value_unreadable` where the key would lead somewhere else
 */
export function partsOfKey(key: string): readonly [dagRunId: string, name: string] {
  const [dagRunId = '', name = '', ...more] = key.split('/');
  if (isRunId(dagRunId) && NAME.test(name) && !name.startsWith('..') && more.length === 0) return [dagRunId, name];
  throw new TradewindError('value_unreadable', `"${key}" is no key of a value`);
}

/**
 * The JSON text that was read, held against its reference.
 * @param place where it was read, for the message
 * @throws TradewindError `value_unreadable` where it is not what was written
 */
export function requireWhole(content: Buffer, { bytes, sha256 }: ValueReference, place: string): string {
  if (content.length === bytes && hashOf(content) === sha256) return content.toString('utf8');
  throw new TradewindError(
    'value_unreadable',
    `the value is damaged: ${place} has ${content.length} bytes and not the ${bytes} that were written, or others`,
  );
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
