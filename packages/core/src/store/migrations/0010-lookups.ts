import type { Migration } from './migration.ts';

/** What is looked up for each event, whatever the number of dags that wait for one asset. */
export const lookups: Migration = {
  version: 10,
  name: 'lookups',
  statements: () => [
    `create index dag_schedule_asset_by_asset on dag_schedule_asset (asset_id, dag_id)`,
    `create index dag_asset_name_uri on dag_asset (name, uri, id)`,
    `create index dag_asset_uri_name on dag_asset (uri, name, id)`,
    `create index dag_by_file on dag (file)`,
    `drop index dag_asset_by_name`,
    `drop index dag_asset_by_uri`,
  ],
};
