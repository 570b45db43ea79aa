import { TradewindError } from '../platform/errors.ts';
import type { EnvironmentSession } from './session/environment-session.ts';

/** A dag run as the API gives it: what commands need of it. */
export interface FoundRun {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly state: string;
  readonly logical_date: string | null;
  readonly start_date: string | null;
  readonly end_date: string | null;
  readonly duration: number | null;
  readonly note: string | null;
}

/**
 * Finds a run by its id or its logical date, as Airflow's commands take either.
 * @throws TradewindError `not_found` where the dag has neither
 */
export async function findRun(session: EnvironmentSession, dagId: string, idOrDate: string): Promise<FoundRun> {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns`;
  try {
    return (await session.ask({ method: 'GET', path: `${path}/${encodeURIComponent(idOrDate)}` })) as FoundRun;
  } catch (error) {
    if (!(error instanceof TradewindError) || error.code !== 'not_found' || !isDate(idOrDate)) throw error;
  }
  const date = encodeURIComponent(idOrDate);
  const found = await session.ask({ method: 'GET', path: `${path}?logical_date_gte=${date}&logical_date_lte=${date}&limit=1` });
  const [run] = (found as { readonly dag_runs: readonly FoundRun[] }).dag_runs;
  if (run !== undefined) return run;
  throw new TradewindError(
    'not_found',
    `dag "${dagId}" has no run with the id or the logical date ${idOrDate}; "tradewind dags list-runs" names them`,
  );
}

/** The newest run of a dag; undefined where it has none. */
export async function findNewestRun(session: EnvironmentSession, dagId: string): Promise<FoundRun | undefined> {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns?order_by=-run_after&limit=1`;
  return ((await session.ask({ method: 'GET', path })) as { readonly dag_runs: readonly FoundRun[] }).dag_runs[0];
}

/** The path of a task instance in the API. */
export function taskInstancePath(run: FoundRun, taskId: string, mapIndex: number | undefined): string {
  const path = `/api/v2/dags/${encodeURIComponent(run.dag_id)}/dagRuns/${encodeURIComponent(run.dag_run_id)}/taskInstances/${encodeURIComponent(taskId)}`;
  return mapIndex === undefined ? path : `${path}/${mapIndex}`;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}/.test(text);
}
