import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideNextRun } from '../../model/timetables/next-run.ts';
import { TradewindError } from '../../platform/errors.ts';
import { defineStatement, wakeOthers, type Database } from '../database.ts';
import { rescheduleDags } from './save-dags.ts';

/** What became of the wish; `unchanged` where the dag was that way already. */
export type SetDagPausedOutcome = 'changed' | 'unchanged' | 'not_found';

/** A due time moves on with each run that the scheduler creates, which it does not do for a paused dag: the second look succeeds. */
const MOST_ATTEMPTS = 5;

/**
 * On → paused, or paused → on.
 *
 * Called by the API, the pages and the command line. A dag that goes on without catchup is due as `decideNextRun` says now: of the ticks
 * that it missed only the latest is run. With catchup its due time stays and every missed tick is run. Run twice: it is that way already.
 *
 * @param now milliseconds since the epoch
 * @throws TradewindError `conflict` where its due time moved on at each of several attempts
 */
export async function setDagPaused(database: Database, dagId: string, isPaused: boolean, now: number): Promise<SetDagPausedOutcome> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const [[dag]] = await database.batch([selectPausableDag(dagId)]);
    if (dag === undefined) return 'not_found';
    if (dag.isPaused === Number(isPaused)) return 'unchanged';
    const nextRunAt = isPaused ? dag.nextRunAt : dueAfterUnpause(dag, now);
    const [, changed] = await database.batch([
      rescheduleDags([{ dagId, expectedNextRunAt: dag.nextRunAt, nextRunAt }]),
      updatePaused(dagId, isPaused, nextRunAt),
      wakeOthers,
    ]);
    if (changed.length > 0) return 'changed';
  }
  throw new TradewindError(
    'conflict',
    `dag "${dagId}" cannot be ${isPaused ? 'paused' : 'unpaused'}: a scheduler keeps changing it. Try again.`,
  );
}

interface PausableDag {
  readonly isPaused: number;
  readonly nextRunAt: number | null;
  /** JSON of the SerializedDag. */
  readonly serialized: string;
  readonly lastLogicalAt: number | null;
}

function dueAfterUnpause({ serialized, nextRunAt, lastLogicalAt }: PausableDag, now: number): number | null {
  const dag = decodeJson(serialized) as unknown as SerializedDag;
  if (dag.catchup) return nextRunAt;
  return decideNextRun({ ...dag, lastLogicalAt: lastLogicalAt ?? undefined, now })?.runAfterAt ?? null;
}

const selectPausableDag = defineStatement<PausableDag, [dagId: string]>(
  'select_pausable_dag',
  () => `
    select dag.is_paused as "isPaused", dag.next_run_at as "nextRunAt", version.serialized as serialized,
      (select max(logical_at) from dag_run where dag_run.dag_id = dag.dag_id and dag_run.run_type = 'scheduled') as "lastLogicalAt"
    from dag join dag_version as version on version.id = dag.dag_version_id
    where dag.dag_id = $1`,
  (dagId) => [dagId],
);

/** Only together with the due time that belongs to it. */
const updatePaused = defineStatement<{ dagId: string }, [dagId: string, isPaused: boolean, nextRunAt: number | null]>(
  'update_dag_paused',
  () => `
    update dag set is_paused = $2
    where dag_id = $1 and is_paused <> $2 and next_run_at is not distinct from $3
    returning dag_id as "dagId"`,
  (dagId, isPaused, nextRunAt) => [dagId, Number(isPaused), nextRunAt],
);
