import { defineStatement, wakeOthers, type Database } from '../database.ts';
import { TABLES_OF_RUN, TABLES_OF_TASK_INSTANCE } from '../rows-of-dag-run.ts';
import { refreshSubscriptions } from './refresh-subscriptions.ts';

/** What became of the wish; a dag with a run that has not ended is left alone. */
export type DeleteDagOutcome =
  | { readonly outcome: 'deleted'; readonly file: string }
  | { readonly outcome: 'runs_not_ended' }
  | { readonly outcome: 'not_found' };

/**
 * Any dag → (absent), with its versions, its runs and everything that belongs to them. Logs stay, and what others did with the dag: its events, the
 * requests for runs of it, who read which secret.
 *
 * Called by the API. Locks the dag first; each statement looks itself whether a run has not ended. Its file is noted as not read, so that a dag that is still
 * defined comes back, new. Run twice: it is not found. A run that is created at this very moment makes the database refuse the whole, by its foreign key.
 */
export async function deleteDag(database: Database, dagId: string, now: number): Promise<DeleteDagOutcome> {
  const [[dag], assets] = await database.batch([selectDag(dagId), selectAssetsOfDag(dagId)]);
  if (dag === undefined) return { outcome: 'not_found' };
  const names = assets.map(({ name }) => name);
  const rows: readonly (readonly unknown[])[] = await database.batch([
    lockDag(dagId),
    ...DELETIONS.map((deletion) => deletion(dagId)),
    forgetContent(dag.file, dagId),
    deleteDagRow(dagId),
    deleteVersions(dagId),
    ...refreshSubscriptions(names, now),
    wakeOthers,
  ]);
  const isDeleted = rows[DELETIONS.length + 2]?.length === 1;
  return isDeleted ? { outcome: 'deleted', file: dag.file } : { outcome: 'runs_not_ended' };
}

/** Tables whose rows name a dag as `dag_id`, in the order in which they are emptied. */
const TABLES_OF_DAG = [
  'timetable_stock',
  'dag_schedule_asset',
  'dag_schedule_reference',
  'task_outlet_asset',
  'task_outlet_alias',
  'task_inlet_asset',
  'dag_asset',
  'callback_request',
  'deadline',
] as const;

/** Named as `dag_id` and kept: what they say is not about the dag alone. A test holds both lists against the schema. */
export const KEPT_TABLES_OF_DAG: readonly string[] = ['run_request', 'queued_asset_event', 'asset_queue', 'secret_fetch'];

const ALL_ENDED = `not exists (select 1 from dag_run as run where run.dag_id = $1 and run.state in ('queued', 'running'))`;
const RUNS = `(select of_dag.id from dag_run as of_dag where of_dag.dag_id = $1)`;

const selectDag = defineStatement<{ file: string }, [dagId: string]>(
  'select_dag_to_delete',
  () => `select file from dag where dag_id = $1`,
  (dagId) => [dagId],
);

const selectAssetsOfDag = defineStatement<{ name: string }, [dagId: string]>(
  'select_assets_of_dag_to_delete',
  () =>
    `select asset.name as name from dag_schedule_asset join asset on asset.id = dag_schedule_asset.asset_id where dag_schedule_asset.dag_id = $1`,
  (dagId) => [dagId],
);

const lockDag = defineStatement<never, [dagId: string]>(
  'lock_dag_to_delete',
  (d) => `select dag_id from dag where dag_id = $1 ${d.forUpdate}`,
  (dagId) => [dagId],
);

function deletion(name: string, statement: string) {
  return defineStatement<never, [dagId: string]>(
    name,
    () => `delete from ${statement} and ${ALL_ENDED}`,
    (dagId) => [dagId],
  );
}

const DELETIONS = [
  ...TABLES_OF_TASK_INSTANCE.map((table) =>
    deletion(
      `delete_${table}_of_dag`,
      `${table} where task_instance_id in (select instance.id from task_instance as instance where instance.dag_run_id in ${RUNS})`,
    ),
  ),
  ...TABLES_OF_RUN.map((table) => deletion(`delete_${table}_of_runs_of_dag`, `${table} where dag_run_id in ${RUNS}`)),
  deletion('delete_backfill_dag_run_of_dag', `backfill_dag_run where backfill_id in (select id from backfill where backfill.dag_id = $1)`),
  deletion('delete_dag_run_of_dag', `dag_run where dag_id = $1`),
  deletion('delete_backfill_of_dag', `backfill where dag_id = $1`),
  ...TABLES_OF_DAG.map((table) => deletion(`delete_${table}_of_dag`, `${table} where dag_id = $1`)),
];

const forgetContent = defineStatement<never, [file: string, dagId: string]>(
  'forget_content_of_dag_file',
  () => `update dag_file set content_hash = '' where path = $2 and ${ALL_ENDED}`,
  (file, dagId) => [dagId, file],
);

const deleteDagRow = defineStatement<{ dagId: string }, [dagId: string]>(
  'delete_dag',
  () => `delete from dag where dag_id = $1 and ${ALL_ENDED} returning dag_id as "dagId"`,
  (dagId) => [dagId],
);

const deleteVersions = defineStatement<never, [dagId: string]>(
  'delete_versions_of_dag',
  () => `delete from dag_version where dag_id = $1 and not exists (select 1 from dag where dag.dag_id = $1)`,
  (dagId) => [dagId],
);
