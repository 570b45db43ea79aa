import { createHash } from 'node:crypto';
import path from 'node:path';
import { TradewindError } from './errors.ts';

/** Names the log of one try. */
export interface TaskLogKey {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  /** -1 for a task that is not mapped. */
  readonly mapIndex: number;
  readonly tryNumber: number;
}

/** File systems take no longer names. */
const MAX_NAME_BYTES = 255;

/**
 * The file of a try's log, laid out as Airflow does: `dag_id=…/run_id=…/task_id=…[/map_index=…]/attempt=….log`. A name that is too long for
 * a file system is cut and completed with its hash.
 *
 * Throws a TradewindError where the file would lie outside of the folder; ids that were checked never do that.
 */
export function taskLogFile(logsFolder: string, { dagId, runId, taskId, mapIndex, tryNumber }: TaskLogKey): string {
  const parts = [`dag_id=${dagId}`, `run_id=${runId}`, `task_id=${taskId}`];
  if (mapIndex >= 0) parts.push(`map_index=${mapIndex}`);
  parts.push(`attempt=${tryNumber}.log`);
  const folder = path.resolve(logsFolder);
  const file = path.resolve(folder, ...parts.map(fittingName));
  if (parts.every((part) => !/[/\\\0]/.test(part)) && file.startsWith(`${folder}${path.sep}`)) return file;
  throw new TradewindError('bad_request', `the log of task "${taskId}" of dag "${dagId}", run "${runId}", would lie outside of ${folder}`);
}

function fittingName(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  // As a stream, so that a character that the cut went through is left out.
  const kept = new TextDecoder().decode(Buffer.from(name).subarray(0, MAX_NAME_BYTES - hash.length - 1), { stream: true });
  return `${kept}~${hash}`;
}
