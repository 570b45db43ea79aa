import { z } from 'zod';
import { messageOf } from '../../platform/errors.ts';
import { readHeartbeats, type Heartbeat } from '../../store/reads/health.ts';
import { writeInstantOrNull } from '../instants.ts';
import { apiRoute } from '../route.ts';

/** Airflow's `scheduler_health_check_threshold`: a process that was silent for longer is unhealthy. */
const HEALTHY_FOR_MS = 30_000;

const status = z.enum(['healthy', 'unhealthy']).nullable();
const heartbeat = z.string().nullable();

/** Which version of Tradewind answers. */
export const getVersion = apiRoute({
  operationId: 'get_version',
  method: 'GET',
  url: '/api/v2/version',
  policy: { kind: 'public' },
  response: z.object({ version: z.string(), git_version: z.string().nullable() }),
  handler: (_input, { version }) => Promise.resolve({ version, git_version: null }),
});

/**
 * Airflow's health document. It always answers 200; what is wrong stands inside. The status of a process that never ran is null.
 */
export const getHealth = apiRoute({
  operationId: 'get_health',
  method: 'GET',
  url: '/api/v2/monitor/health',
  policy: { kind: 'public' },
  response: z.object({
    metadatabase: z.object({ status }),
    scheduler: z.object({ status, latest_scheduler_heartbeat: heartbeat }),
    triggerer: z.object({ status, latest_triggerer_heartbeat: heartbeat }),
    dag_processor: z.object({ status, latest_dag_processor_heartbeat: heartbeat }),
  }),
  async handler(_input, { database, clock, log }) {
    const heartbeats = await readHeartbeats(database).catch((error: unknown) => {
      log.error('the health check cannot read the database', { error: messageOf(error) });
      return undefined;
    });
    const scheduler = describeProcess('scheduler', heartbeats, clock.now());
    const processor = describeProcess('dag_processor', heartbeats, clock.now());
    const triggerer = describeProcess('triggerer', heartbeats, clock.now());
    return {
      metadatabase: { status: heartbeats === undefined ? 'unhealthy' : 'healthy' },
      scheduler: { status: scheduler.status, latest_scheduler_heartbeat: scheduler.latest },
      triggerer: { status: triggerer.status, latest_triggerer_heartbeat: triggerer.latest },
      dag_processor: { status: processor.status, latest_dag_processor_heartbeat: processor.latest },
    } as const;
  },
});

function describeProcess(kind: Heartbeat['kind'], heartbeats: readonly Heartbeat[] | undefined, now: number) {
  const found = heartbeats?.find((each) => each.kind === kind);
  const isHealthy = found !== undefined && found.liveAt !== null && now - found.liveAt <= HEALTHY_FOR_MS;
  // A process that never ran has no status but the scheduler, without which nothing works.
  if (found === undefined) return { status: kind === 'scheduler' ? ('unhealthy' as const) : null, latest: null };
  return { status: isHealthy ? ('healthy' as const) : ('unhealthy' as const), latest: writeInstantOrNull(found.latestAt) };
}
