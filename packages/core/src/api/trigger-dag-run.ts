import {
  MAX_ID_LENGTH,
  isRunId,
  type DagRunTriggeredBy,
  type JsonObject,
  timetableOf,
  type SerializedTimetable,
} from '@tradewind/protocol';
import { resolveParams } from '../model/params.ts';
import { decideManualInterval } from '../model/timetables/next-run.ts';
import { TradewindError } from '../platform/errors.ts';
import { findDag, findDagDefinition } from '../store/reads/dags.ts';
import { createDagRun, type CreateDagRunOutcome, type NewDagRun } from '../store/transitions/create-dag-run.ts';
import type { ApiParts } from './api-parts.ts';
import { writeInstant } from './instants.ts';

/** A run that a person or a program asks for. Times are milliseconds since the epoch; what is left out is decided here. */
export interface TriggerRequest {
  readonly dagId: string;
  readonly runId?: string | undefined;
  /** @default 'manual' */
  readonly runType?: NonNullable<NewDagRun['runType']>;
  /** Identity of the run where the caller may ask twice for the same one. @default a new one */
  readonly id?: string | undefined;
  readonly conf: JsonObject;
  readonly note: string | null;
  readonly logicalAt: number | null;
  readonly interval?: { readonly startAt: number; readonly endAt: number } | undefined;
  /** @default now */
  readonly runAfterAt?: number | undefined;
  readonly triggeredBy: DagRunTriggeredBy;
  /** Null where a task asks. */
  readonly username: string | null;
}

/** What triggering a run needs. */
export type TriggerParts = Pick<ApiParts, 'database' | 'clock' | 'random' | 'wake'>;

/** A dag that is saved again and again while somebody triggers it is tried this often. */
const MOST_LOOKS = 3;

/**
 * Creates a queued run, its conf checked against the params of the dag's current version, and wakes the scheduler.
 *
 * @returns the run id
 * @throws TradewindError `not_found` for an unknown dag, `bad_request` for one that no file defines any more or whose file is broken and for a conf that
 * does not fit, `already_exists` where the run id or the logical date is taken
 */
export async function triggerDagRun(parts: TriggerParts, request: TriggerRequest): Promise<string> {
  const now = parts.clock.now();
  const runId = chooseRunId(request, parts, now);
  for (let look = 1; ; look += 1) {
    const dag = await checkConf(parts, request);
    const run = newDagRun({ request, id: request.id ?? parts.random.uuid(), runId, dag, now });
    const result = await createDagRun(parts.database, run, now);
    if (result.outcome === 'created') {
      parts.wake();
      return runId;
    }
    if (result.outcome !== 'dag_changed' || look === MOST_LOOKS) throw refusal(result, request);
  }
}

/** The version that a run will be on. */
interface CheckedDag {
  readonly dagVersionId: string;
  readonly timetable: SerializedTimetable | undefined;
}

/** Checks the conf against the current version and returns that version. */
async function checkConf({ database }: TriggerParts, { dagId, conf, runType = 'manual' }: TriggerRequest): Promise<CheckedDag> {
  const dag = await findDag(database, dagId);
  const definition = dag === undefined ? undefined : await findDagDefinition(database, dagId, dag.dagVersionId);
  if (dag === undefined || definition === undefined) throw unknownDag(dagId);
  if (dag.isStale) throw staleDag(dagId);
  const { allowedRunTypes } = definition;
  if (allowedRunTypes?.includes(runType) === false) {
    throw new TradewindError(
      'bad_request',
      `DAG with dag_id: '${dagId}' takes no runs of type ${runType}: it takes ${allowedRunTypes.join(', ')}`,
    );
  }
  const resolved = resolveParams(definition.params, conf);
  if (resolved.ok) return { dagVersionId: dag.dagVersionId, timetable: timetableOf(definition.schedule) };
  const problems = resolved.problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new TradewindError('bad_request', `The conf does not fit the params of dag '${dagId}': ${problems}`);
}

function newDagRun({
  request,
  id,
  runId,
  dag,
  now,
}: {
  readonly request: TriggerRequest;
  readonly id: string;
  readonly runId: string;
  readonly dag: CheckedDag;
  readonly now: number;
}): NewDagRun {
  // A run without a logical date has no data interval; others have the one that the timetable gives them, unless somebody says which.
  const interval = request.logicalAt === null ? undefined : (request.interval ?? decideManualInterval(dag.timetable, request.logicalAt));
  return {
    id,
    dagId: request.dagId,
    runId,
    runType: request.runType ?? 'manual',
    triggeredBy: request.triggeredBy,
    triggeringUser: request.username,
    conf: JSON.stringify(request.conf),
    note: request.note,
    logicalAt: request.logicalAt,
    intervalStartAt: interval?.startAt ?? null,
    intervalEndAt: interval?.endAt ?? null,
    runAfterAt: request.runAfterAt ?? now,
    dagVersionId: dag.dagVersionId,
  };
}

/** Airflow's `manual__<run after>_<random>`: readable, and two in one millisecond differ. */
function chooseRunId({ runId, runAfterAt, runType = 'manual' }: TriggerRequest, { random }: TriggerParts, now: number): string {
  if (runId === undefined) return `${runType}__${writeInstant(runAfterAt ?? now).replace('Z', '+00:00')}_${random.uuid().slice(-8)}`;
  if (isRunId(runId)) return runId;
  throw new TradewindError(
    'bad_request',
    `The run id '${runId}' cannot be used: take ASCII letters, digits and _ . ~ : + - and at most ${MAX_ID_LENGTH} of them.`,
  );
}

function refusal(result: Exclude<CreateDagRunOutcome, { outcome: 'created' }>, request: TriggerRequest): TradewindError {
  const { dagId } = request;
  switch (result.outcome) {
    case 'unknown_dag':
      return unknownDag(dagId);
    case 'stale_dag':
      return staleDag(dagId);
    case 'import_errors':
      return new TradewindError('bad_request', `DAG with dag_id: '${dagId}' has import errors and cannot be triggered`);
    case 'already_exists':
      return new TradewindError(
        'already_exists',
        result.taken === 'run_id'
          ? `A run of dag '${dagId}' with run_id '${result.runId}' exists already; choose another run id.`
          : `A run of dag '${dagId}' with this logical date exists already: '${result.runId}'. Choose another logical date, or none.`,
      );
    case 'dag_changed':
      return new TradewindError('conflict', `The dag '${dagId}' is being changed right now; try again.`);
  }
}

function unknownDag(dagId: string): TradewindError {
  return new TradewindError('not_found', `DAG with dag_id: '${dagId}' not found`);
}

function staleDag(dagId: string): TradewindError {
  return new TradewindError(
    'bad_request',
    `DAG with dag_id: '${dagId}' is stale: no dag file defines it any more, so it cannot be triggered`,
  );
}
