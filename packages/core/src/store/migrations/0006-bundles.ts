import type { Migration } from './migration.ts';

/**
 * A dag version names the file that defines it and the bundle of that file, so that a run finds its code after the dag has moved elsewhere. What was there
 * before came from the folder of dag files.
 */
export const bundles: Migration = {
  version: 6,
  name: 'bundles',
  statements: () => [
    `alter table dag add column bundle_name text not null default 'dags-folder'`,
    `alter table dag_version add column bundle_name text not null default 'dags-folder'`,
    `alter table dag_version add column file text not null default ''`,
    `update dag_version set file = coalesce((select dag.file from dag where dag.dag_id = dag_version.dag_id), '')`,
    `create index dag_run_of_version on dag_run (dag_version_id)`,
    `create index dag_run_ended on dag_run (ended_at) where ended_at is not null`,
  ],
};
