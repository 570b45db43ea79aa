import type { Migration } from './migration.ts';

/** Large values lie outside of the database; the row says where. */
export const offloadedValues: Migration = {
  version: 9,
  name: 'offloaded-values',
  statements: () => [`alter table xcom add column offloaded text`],
};
