import type { Database } from '../../database.ts';
import { EXAMPLE_BACKFILLS } from './example-backfills.ts';
import { EXAMPLE_DAGS } from './example-dags.ts';
import { EXAMPLE_EVENTS } from './example-events.ts';
import { EXAMPLE_RUNS } from './example-runs.ts';
import { insertExampleSecrets } from './example-secrets.ts';
import { insertRows } from './insert-rows.ts';

/**
 * Fills an empty database with what an environment holds on an ordinary day: dags on, paused, broken and gone; runs and task instances in every state; a
 * value, assets, events from outside, a quarantined message, an event that waits to be sent.
 */
export async function insertExampleRows(database: Database): Promise<void> {
  for (const [table, rows] of [...EXAMPLE_DAGS, ...EXAMPLE_RUNS, ...EXAMPLE_EVENTS, ...EXAMPLE_BACKFILLS])
    await insertRows(database, table, rows);
  await insertExampleSecrets(database);
}
