import type { JsonObject, SerializedDag } from '@tradewind/protocol';
import type { ReprocessBehavior } from '../model/backfill/backfill.ts';
import { decideBackfillDate, planBackfill } from '../model/backfill/plan-backfill.ts';
import { resolveParams } from '../model/params.ts';
import type { NextRun } from '../model/timetables/next-run.ts';
import { TradewindError } from '../platform/errors.ts';
import { hasActiveBackfill, readRunStates } from '../store/reads/backfills.ts';
import { findDag, findDagDefinition } from '../store/reads/dags.ts';
import { createBackfill, type CreateBackfillOutcome, type NewBackfill } from '../store/transitions/create-backfill.ts';
import type { ApiParts } from './api-parts.ts';
import { InvalidRequest } from './request-problems.ts';

/** A backfill that a person or a program asks for. Times are milliseconds since the epoch. */
export interface BackfillRequest {
  readonly dagId: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly isBackwards: boolean;
  readonly conf: JsonObject | null;
  readonly reprocessBehavior: ReprocessBehavior;
  readonly maxActiveRuns: number;
  readonly runOnLatestVersion: boolean;
  readonly username: string;
}

/** A dag that is saved again and again while somebody asks is tried this often. */
const MOST_LOOKS = 3;

/**
 * Creates a backfill and wakes the scheduler, which makes its runs.
 *
 * @returns its id
 * @throws TradewindError `not_found` for an unknown dag, `bad_request` for one that no file defines any more and for a conf that does not fit its params,
 * `conflict` where it takes no backfill or has an active one; InvalidRequest for a range that cannot be filled
 */
export async function askForBackfill(parts: ApiParts, request: BackfillRequest): Promise<number> {
  const now = parts.clock.now();
  for (let look = 1; ; look += 1) {
    const { dagVersionId, runs } = await plan(parts, request, now);
    const backfill: NewBackfill = {
      ...request,
      requestId: parts.random.uuid(),
      conf: request.conf === null ? null : JSON.stringify(request.conf),
      dagVersionId,
      triggeredBy: 'rest_api',
      triggeringUser: request.username,
      runs,
    };
    const result = await createBackfill(parts.database, backfill, now);
    if (result.outcome === 'created') {
      parts.wake();
      return result.id;
    }
    if (result.outcome !== 'dag_changed' || look === MOST_LOOKS) throw refusal(result, request.dagId);
  }
}

/**
 * The dates that a backfill would run now, in its order, without those that it would leave as they are.
 * @throws as `askForBackfill`
 */
export async function previewBackfill(parts: ApiParts, request: BackfillRequest): Promise<readonly NextRun[]> {
  const { runs } = await plan(parts, request, parts.clock.now());
  if (await hasActiveBackfill(parts.database, request.dagId)) throw refusal({ outcome: 'already_running' }, request.dagId);
  const first = Math.min(request.fromAt, runs.at(0)?.logicalAt ?? request.fromAt);
  const states = await readRunStates(parts.database, request.dagId, { fromAt: first, toAt: request.toAt });
  return runs.filter(({ logicalAt }) => {
    const decision = decideBackfillDate(states.get(logicalAt), request.reprocessBehavior);
    return decision === 'create' || decision === 'reprocess';
  });
}

async function plan(
  { database }: ApiParts,
  request: BackfillRequest,
  now: number,
): Promise<{ readonly dagVersionId: string; readonly runs: readonly NextRun[] }> {
  const { dagId } = request;
  const dag = await findDag(database, dagId);
  const definition = dag === undefined ? undefined : await findDagDefinition(database, dagId, dag.dagVersionId);
  if (dag === undefined || definition === undefined) throw refusal({ outcome: 'unknown_dag' }, dagId);
  if (dag.isStale) throw refusal({ outcome: 'stale_dag' }, dagId);
  checkConf(definition, request);
  const planned = planBackfill(definition, request, now);
  if (planned.ok) {
    return { dagVersionId: dag.dagVersionId, runs: request.isBackwards ? planned.runs.toReversed() : planned.runs };
  }
  if (planned.problem === 'conflict') throw new TradewindError('conflict', planned.message);
  throw new InvalidRequest([{ type: 'value_error', loc: ['body', 'from_date'], msg: planned.message, input: null }]);
}

function checkConf({ params, dagId }: SerializedDag, { conf }: BackfillRequest): void {
  const resolved = resolveParams(params, conf ?? {});
  if (resolved.ok) return;
  const problems = resolved.problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new TradewindError('bad_request', `The conf does not fit the params of dag '${dagId}': ${problems}`);
}

function refusal({ outcome }: Pick<Exclude<CreateBackfillOutcome, { outcome: 'created' }>, 'outcome'>, dagId: string): TradewindError {
  switch (outcome) {
    case 'unknown_dag':
      return new TradewindError('not_found', `Could not find dag ${dagId}`);
    case 'stale_dag':
      return new TradewindError(
        'bad_request',
        `DAG with dag_id: '${dagId}' is stale: no dag file defines it any more, so nothing of it can be run`,
      );
    case 'already_running':
      return new TradewindError('conflict', `There is already a running backfill for dag ${dagId}; wait for it, or cancel it`);
    case 'dag_changed':
      return new TradewindError('conflict', `The dag '${dagId}' is being changed right now; try again.`);
  }
}
