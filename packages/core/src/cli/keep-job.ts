import { hostname } from 'node:os';
import { sleep, type Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import { endExpiredJobs, endJob, heartbeatJob, startJob, type JobOwner } from '../store/transitions/jobs.ts';

/** Airflow calls a component unhealthy 30 seconds after its last heartbeat. */
const LEASE_MS = 30_000;
const HEARTBEAT_MS = 10_000;

/**
 * Shows in the database that a component of this process lives, for `GET /monitor/health`, until the returned function is called. A database that does not answer
 * is asked again; nothing depends on the row but what people see.
 */
export function keepJob(
  kind: JobOwner['kind'],
  { database, clock, log }: { readonly database: Database; readonly clock: Clock; readonly log: Log },
): () => Promise<void> {
  const stopping = new AbortController();
  let term: number | undefined;

  const beat = async (): Promise<void> => {
    const renewed = term === undefined ? [] : (await database.batch([heartbeatJob(term, LEASE_MS)]))[0];
    if (renewed.length > 0) return;
    const [[job]] = await database.batch([startJob({ kind, hostname: hostname(), pid: process.pid, leaseMs: LEASE_MS }, clock.now())]);
    term = job?.term;
    await database.batch([endExpiredJobs(kind, term ?? 0)]);
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await beat().catch((error: unknown) => {
        log.warning('a heartbeat could not be written', { kind, reason: messageOf(error) });
      });
      await sleep(clock, HEARTBEAT_MS, stopping.signal);
    }
  };
  const ended = loop();
  return async () => {
    stopping.abort();
    await ended;
    if (term !== undefined) await database.batch([endJob(term)]);
  };
}
