import type { DagRunType } from '@tradewind/protocol';

/**
 * The id of a run that nobody named: `scheduled__2026-11-21T09:00:00+00:00`, from when it is due. Written as Airflow writes it: microseconds only where there are
 * parts of a second, and the offset in digits.
 */
export function runIdOf(runType: DagRunType, runAfterAt: number): string {
  const instant = new Date(runAfterAt).toISOString();
  return `${runType}__${instant.replace('.000Z', '+00:00').replace(/(\.\d{3})Z$/, '$1000+00:00')}`;
}
