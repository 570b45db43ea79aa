import type { Migration } from './migration.ts';

/** The requests that a transaction is making runs of are found among all that there ever were. */
export const claimedRequests: Migration = {
  version: 12,
  name: 'claimed requests',
  statements: () => [`create index run_request_claimed on run_request (claimed_term) where claimed_term is not null`],
};
