import { defineStatement } from '../database.ts';

/**
 * A dag version that nothing is on → gone.
 *
 * Called every hour. Nothing can come to be on such a version again: runs and backfills are created on the version that their dag is on. Versions of the last
 * day stay, so that an author can compare. Run twice: they are gone already. Where something else came to name a version, its foreign key refuses the whole.
 *
 * @param createdBefore milliseconds since the epoch
 */
export const dropUnusedDagVersions = defineStatement<{ id: string }, [createdBefore: number]>(
  'drop_unused_dag_versions',
  () => `
    delete from dag_version
    where created_at < $1
      and not exists (select 1 from dag where dag.dag_version_id = dag_version.id)
      and not exists (select 1 from dag_run where dag_run.dag_version_id = dag_version.id)
      and not exists (select 1 from backfill where backfill.dag_version_id = dag_version.id)
    returning id`,
  (createdBefore) => [createdBefore],
);
