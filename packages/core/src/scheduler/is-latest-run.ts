import { decideNextRun } from '../model/timetables/next-run.ts';
import type { ActiveRun } from './run-state.ts';

/** Whether no later run of the dag's schedule is due yet; runs by hand, and those without a logical date, are never late (Airflow's LatestOnlyOperator). */
export function isLatestRun({ row, graph }: ActiveRun, now: number): boolean {
  if (row.runType === 'manual' || row.logicalAt === null) return true;
  const next = decideNextRun({ ...graph.dag, catchup: true, lastLogicalAt: row.logicalAt, now });
  return next === undefined || now <= next.runAfterAt;
}
