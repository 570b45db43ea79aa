import type { Migration } from './migration.ts';

/** What people do to runs: a run that somebody declared a success or a failure while its teardowns still have work to do keeps the word until it ends. */
export const operations: Migration = {
  version: 8,
  name: 'operations',
  statements: () => [
    `alter table dag_run add column marked_state text`,
    // Runs that somebody ended while a scheduler held them, until it has heard of it: next to none.
    `create index dag_run_marked on dag_run (scheduler_term) where state in ('success', 'failed') and scheduler_term is not null`,
  ],
};
