import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import type { Authentication } from './auth/authentication.ts';
import type { SessionCookie } from './cookies.ts';

/** What the server of an environment is made of. */
export interface ServerParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly authentication: Authentication;
  /** Folder of the task logs: `dag_id=…/run_id=…/task_id=…/attempt=N.log`. */
  readonly logsFolder: string;
  /** Shown on every page. */
  readonly environmentName: string;
  /** What `GET /api/v2/version` says. */
  readonly version: string;
  /** Called after each commit that the scheduler may wait for. */
  readonly wake: () => void;
  /** Whether browsers reach the environment over https, for instance through a proxy. @default false */
  readonly isHttps?: boolean;
}

/** What routes work with. */
export interface ApiParts extends ServerParts {
  readonly cookie: SessionCookie;
}
