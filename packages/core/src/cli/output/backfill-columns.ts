import { formatShortInstant } from './format-values.ts';
import type { Column } from './table.ts';

/** A backfill as the API gives it: what the table shows of it. */
export interface BackfillRow {
  readonly id: number;
  readonly dag_id: string;
  readonly from_date: string;
  readonly to_date: string;
  readonly is_paused: boolean;
  readonly reprocess_behavior: string;
  readonly max_active_runs: number;
  readonly completed_at: string | null;
}

/** What people see of a backfill. */
export const BACKFILL_COLUMNS: readonly Column<BackfillRow>[] = [
  { header: 'id', value: ({ id }) => String(id) },
  { header: 'dag_id', value: (row) => row.dag_id },
  { header: 'from', value: (row) => row.from_date.slice(0, 16).replace('T', ' ') },
  { header: 'to', value: (row) => row.to_date.slice(0, 16).replace('T', ' ') },
  { header: 'reprocess', value: (row) => row.reprocess_behavior },
  { header: 'max_active_runs', value: (row) => String(row.max_active_runs) },
  { header: 'is_paused', value: (row) => String(row.is_paused) },
  { header: 'completed', value: (row) => formatShortInstant(row.completed_at) },
];
