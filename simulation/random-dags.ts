import type { SerializedDag } from '@tradewind/protocol';
import { DRAWN_POOLS, drawDag } from '../packages/core/src/scheduler/testing/random-dag.ts';
import type { Database, SqlValue, Statement } from '../packages/core/src/store/database.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The subscription on which every simulated message arrives. */
export const SUBSCRIPTION = 'sqs:orders';
const ASSET = 'orders';

/** Draws one to four dags: any shape, rule and limit, the first scheduled on the asset whose events arrive. Runs by hand alone may depend on each other. */
export function drawDags(random: SeededRandom): ReadonlyMap<string, SerializedDag> {
  const dags = Array.from({ length: random.between(1, 4) }, (_, index): SerializedDag => {
    const isOnAsset = index === 0 || random.happens(0.3);
    const dag = drawDag(random, { dagId: `dag_${index}`, mostTasks: 7, hasPast: !isOnAsset && random.happens(0.4) });
    return { ...dag, maxActiveRuns: random.between(1, 4), schedule: isOnAsset ? { kind: 'asset', any: [ASSET] } : { kind: 'none' } };
  });
  return new Map(dags.map((dag) => [dag.dagId, dag]));
}

/** Whether a task of the dag waits for earlier runs; such a dag's runs may wait for ever. */
export function hasPast({ tasks }: SerializedDag): boolean {
  return tasks.some(({ dependsOnPast, waitForDownstream }) => dependsOnPast === true || waitForDownstream === true);
}

/** Stores the dags, the asset and who watches it, as the dag processor would. */
export async function insertDags(database: Database, dags: ReadonlyMap<string, SerializedDag>, now: number): Promise<void> {
  const statements = [
    insert('asset', { name: ASSET, uri: ASSET, asset_group: 'asset', event_type: `${ASSET}.completed`, created_at: now, updated_at: now }),
    insert('subscription', { name: SUBSCRIPTION, transport: 'sqs', source: 'orders', is_active: 1, state: 'stopped', changed_at: now }),
    insert('asset_watcher', { asset_id: 1, subscription: SUBSCRIPTION }),
    ...Object.entries(DRAWN_POOLS).map(([name, slots]) => insert('pool', { name, slots, description: '', include_deferred: 0 })),
  ];
  for (const [dagId, dag] of dags) {
    const version = { id: `version-of-${dagId}`, dag_id: dagId, version_number: 1, content_hash: '0', bundle_version: '0' };
    statements.push(
      insert('dag_version', { ...version, serialized: JSON.stringify(dag), created_at: now }),
      insert('dag', {
        dag_id: dagId,
        file: `${dagId}.ts`,
        is_paused: 0,
        is_stale: 0,
        dag_version_id: version.id,
        bundle_version: '0',
        tags: '[]',
        schedule: JSON.stringify(dag.schedule),
        catchup: 0,
        max_active_runs: dag.maxActiveRuns,
        max_active_tasks: dag.maxActiveTasks,
        parsed_at: now,
        parse_ms: 1,
        created_at: now,
      }),
    );
    if (dag.schedule.kind === 'asset') statements.push(insert('dag_schedule_asset', { dag_id: dagId, asset_id: 1 }));
  }
  await database.batch(statements);
}

/** Pauses or resumes dags, as the API does. */
export async function setPaused(database: Database, dagIds: readonly string[], isPaused: boolean): Promise<void> {
  await database.batch(
    dagIds.map((dagId) => ({
      name: 'simulation_set_paused',
      text: () => `update dag set is_paused = $1 where dag_id = $2`,
      values: [isPaused ? 1 : 0, dagId],
    })),
  );
}

function insert(table: string, row: Readonly<Record<string, SqlValue>>): Statement<unknown> {
  const columns = Object.keys(row);
  return {
    name: `simulation_insert_${table}_${columns.length}`,
    text: () => `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    values: Object.values(row),
  };
}
