import { createHash } from 'node:crypto';
import { decodeJson, type JsonObject, type JsonValue, type TaskResponse, type TriggeredDagRun } from '@tradewind/protocol';
import { writeInstant } from '../../api/instants.ts';
import { triggerDagRun, type TriggerParts } from '../../api/trigger-dag-run.ts';
import { TradewindError } from '../../platform/errors.ts';
import { clearDagRuns } from '../../store/clear-dag-runs.ts';
import type { LiveAttempt } from '../../store/reads/attempts.ts';
import { findDag } from '../../store/reads/dags.ts';
import { findDagRunId } from '../../store/reads/dag-run-ids.ts';
import type { RequestOf } from './task-services.ts';

type Wish = RequestOf<'trigger_dag_run'>;

/**
 * Starts a run of another dag for a task. Which run that is is a function of the task instance and its try, tries that were lost with their process not counted: a try that is given back after a crash
 * finds the run that the lost one started.
 */
export async function answerTriggerDagRun(parts: TriggerParts, attempt: LiveAttempt, wish: Wish): Promise<TaskResponse> {
  const { dagId } = wish;
  const dag = await findDag(parts.database, dagId);
  if (dag === undefined) return { ok: false, code: 'not_found', message: `there is no dag "${dagId}" in this environment` };
  if (wish.failWhenDagIsPaused && dag.isPaused)
    return { ok: false, code: 'bad_request', message: `dag "${dagId}" is paused, so its run would not start` };
  const conf = decodeJson(wish.confJson);
  if (!isObject(conf)) return { ok: false, code: 'bad_request', message: `the conf of a run of dag "${dagId}" is no object of params` };
  const id = identityOf(attempt);
  const runId = wish.runId ?? `operator_triggered__${writeInstant(attempt.runAfterAt).replace('Z', '+00:00')}_${id.slice(-8)}`;
  try {
    const logicalAt = wish.logicalDate === undefined ? null : Date.parse(wish.logicalDate);
    const note = wish.note ?? null;
    const request = {
      id,
      dagId,
      runId,
      conf,
      note,
      logicalAt,
      runType: 'operator_triggered',
      triggeredBy: 'operator',
      username: null,
    } as const;
    return answer({ runId: await triggerDagRun(parts, request), outcome: 'created' });
  } catch (error) {
    if (!(error instanceof TradewindError)) throw error;
    if (error.code !== 'already_exists') return { ok: false, code: codeOf(error), message: error.message };
    return meetExisting(parts, { wish, runId, id, problem: error.message });
  }
}

interface Existing {
  readonly wish: Wish;
  readonly runId: string;
  /** What the run would be if this task had started it. */
  readonly id: string;
  readonly problem: string;
}

async function meetExisting(parts: TriggerParts, { wish, runId, id, problem }: Existing): Promise<TaskResponse> {
  const { dagId, onExisting } = wish;
  const existing = await findDagRunId(parts.database, {
    dagId,
    runId,
    logicalAt: wish.logicalDate === undefined ? null : Date.parse(wish.logicalDate),
  });
  if (existing?.id === id) return answer({ runId: existing.runId, outcome: 'created' });
  if (existing === undefined || onExisting === 'fail') return { ok: false, code: 'bad_request', message: problem };
  if (onExisting === 'skip') return answer({ runId: existing.runId, outcome: 'skipped' });
  const context = { database: parts.database, now: parts.clock.now(), newId: () => parts.random.uuid() };
  await clearDagRuns(context, {
    selection: { dagId, runId: existing.runId },
    options: { onlyFailed: false, onlyRunning: false, upstream: false, downstream: false },
  });
  parts.wake();
  return answer({ runId: existing.runId, outcome: 'reset' });
}

/** A UUID made of the task instance and its try. */
function identityOf({ taskInstanceId, tryNumber, losses }: LiveAttempt): string {
  const digest = createHash('sha256')
    .update(`trigger_dag_run\n${taskInstanceId}\n${tryNumber - losses}`)
    .digest('hex');
  return [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-');
}

function answer(triggered: TriggeredDagRun): TaskResponse {
  return { ok: true, value: triggered as unknown as JsonValue };
}

function codeOf({ code }: TradewindError): 'not_found' | 'unavailable' | 'bad_request' {
  if (code === 'not_found') return 'not_found';
  return code === 'conflict' || code.startsWith('database_') ? 'unavailable' : 'bad_request';
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
