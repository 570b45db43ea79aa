import type { Migration } from './migration.ts';

/** What people do to runs: a run that somebody declared a success or a failure while its teardowns still have work to do keeps the word until it ends. */
export const operations: Migration = {
  version: 8,
  name: 'operations',
  statements: () => [`alter table dag_run add column marked_state text`],
};
