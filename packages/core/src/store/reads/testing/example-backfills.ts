import { VERSION_IDS } from './example-dags.ts';
import { EXAMPLE_NOW, HOUR } from './example-time.ts';
import type { ExampleTable, Row } from './insert-rows.ts';

/** A backfill that is under way, with the id 1, and one that is completed, with the id 2. */
export const EXAMPLE_BACKFILLS: readonly ExampleTable[] = [
  [
    'backfill',
    [
      backfill('first', { conf: '{"region":"us"}' }),
      backfill('second', { is_paused: 1, completed_at: EXAMPLE_NOW - HOUR, reprocess_behavior: 'completed' }),
    ],
  ],
];

function backfill(requestId: string, more: Row): Row {
  return {
    request_id: requestId,
    dag_id: 'orders',
    from_at: EXAMPLE_NOW - 48 * HOUR,
    to_at: EXAMPLE_NOW - 24 * HOUR,
    conf: null,
    is_paused: 0,
    is_backwards: 0,
    reprocess_behavior: 'none',
    max_active_runs: 10,
    run_on_latest_version: 1,
    dag_version_id: VERSION_IDS.ordersVersion2,
    bundle_version: 'bundle-2',
    triggered_by: 'rest_api',
    triggering_user: 'ann',
    created_at: EXAMPLE_NOW - 2 * HOUR,
    updated_at: EXAMPLE_NOW - HOUR,
    completed_at: null,
    ...more,
  };
}
