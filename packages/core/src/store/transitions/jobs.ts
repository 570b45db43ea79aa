import { defineStatement } from '../database.ts';

/** A process that holds a term. */
export interface JobOwner {
  readonly kind: 'scheduler' | 'dag_processor' | 'triggerer';
  readonly hostname: string;
  readonly pid: number;
  readonly leaseMs: number;
}

/**
 * (absent) → live. The id that the database gives is the term: greater than every earlier one, and part of every guard of what the process writes.
 * All times of a job are the database's own clock, because two processes may disagree about theirs.
 */
export const startJob = defineStatement<{ term: number }, [owner: JobOwner, now: number]>(
  'start_job',
  (d) => `
    insert into job (kind, hostname, pid, started_at, heartbeat_at, expires_at)
    values ($1, $2, $3, $4, ${d.databaseNow}, ${d.databaseNow} + $5)
    returning id as term`,
  ({ kind, hostname, pid, leaseMs }, now) => [kind, hostname, pid, now, leaseMs],
);

/** live → live, for another lease. Returns nothing where the job has been ended: the process must then begin a new term. */
export const heartbeatJob = defineStatement<{ term: number }, [term: number, leaseMs: number]>(
  'heartbeat_job',
  (d) => `
    update job set heartbeat_at = ${d.databaseNow}, expires_at = ${d.databaseNow} + $2
    where id = $1 and ended_at is null
    returning id as term`,
  (term, leaseMs) => [term, leaseMs],
);

/** live → ended, by itself. What it held is free at once. Run twice: it has ended already. */
export const endJob = defineStatement<never, [term: number]>(
  'end_job',
  (d) => `update job set ended_at = ${d.databaseNow} where id = $1 and ended_at is null`,
  (term) => [term],
);

/**
 * live → ended, for those of a kind whose lease ran out. Never ends the caller's own.
 */
export const endExpiredJobs = defineStatement<{ term: number }, [kind: JobOwner['kind'], term: number]>(
  'end_expired_jobs',
  (d) => `
    update job set ended_at = ${d.databaseNow}
    where kind = $1 and ended_at is null and id <> $2 and expires_at < ${d.databaseNow}
    returning id as term`,
  (kind, term) => [kind, term],
);

/**
 * live → ended, for every other of a kind, at once. Only the owner of an embedded database may call it: the lock that it holds proves
 * that no other process lives.
 */
export const endOtherJobs = defineStatement<{ term: number }, [kind: JobOwner['kind'], term: number]>(
  'end_other_jobs',
  (d) => `update job set ended_at = ${d.databaseNow} where kind = $1 and ended_at is null and id <> $2 returning id as term`,
  (kind, term) => [kind, term],
);
