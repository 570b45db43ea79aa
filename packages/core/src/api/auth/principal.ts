import type { ReadableDags } from '../../store/reads/query-parts.ts';

/** Roles of Airflow's simple auth manager, each of which may do what the ones before it may. */
export const ROLES = ['viewer', 'user', 'op', 'admin'] as const;
/** What a person may do. */
export type Role = (typeof ROLES)[number];

/** Who makes a request. */
export interface Principal {
  readonly username: string;
  /** Null for somebody who has not logged in. */
  readonly role: Role | null;
  /** Which dags lists show; a dag outside of it answers 403 whether it exists or not. */
  readonly readableDags: ReadableDags;
}

/** Somebody who has not logged in: reads nothing. */
export const ANONYMOUS: Principal = { username: 'anonymous', role: null, readableDags: [] };

/** Whether somebody has a role or one above it. */
export function isAtLeast({ role }: Principal, wanted: Role): boolean {
  return role !== null && ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** Whether somebody may read a dag. */
export function mayRead({ readableDags }: Principal, dagId: string): boolean {
  return readableDags === 'all' || readableDags.includes(dagId);
}
