import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { ShownConfigSection } from '../platform/describe-config.ts';
import type { Random } from '../platform/random.ts';
import type { LargeValues } from '../platform/value-store.ts';
import type { Database } from '../store/database.ts';
import type { LogSearches } from '../task-logs/search-thread.ts';
import type { Authentication } from './auth/authentication.ts';
import type { ApiSecrets } from './api-secrets.ts';
import type { SessionCookie } from './cookies.ts';

/** What reads the environment's dag files. Files are named as model/bundle-file.ts does. */
export interface DagFilesPort {
  /** Reads files again although they have not changed, all or these; resolves when their dags are saved. */
  reread(files?: readonly string[]): Promise<void>;
  /** The text of a file at a bundle version; undefined where it is not kept. */
  readSource(file: string, bundleVersion: string): Promise<string | undefined>;
}

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
  readonly secrets: ApiSecrets;
  /** The settings, as people may see them. */
  readonly config: readonly ShownConfigSection[];
  /** Undefined where another process reads the dag files. */
  readonly dagFiles?: DagFilesPort;
  /** Where large values lie. Undefined where this process cannot reach them. */
  readonly largeValues?: LargeValues;
  /** Called after each commit that the scheduler may wait for. */
  readonly wake: () => void;
  /** Whether browsers reach the environment over https, for instance through a proxy. @default false */
  readonly isHttps?: boolean;
}

/** What routes work with. */
export interface ApiParts extends ServerParts {
  readonly cookie: SessionCookie;
  readonly logSearches: LogSearches;
  /** Aborts when the server is about to close: answers that go on without end are to end. */
  readonly closing: AbortSignal;
}
