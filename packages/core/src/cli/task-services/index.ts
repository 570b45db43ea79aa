/**
 * What an environment answers to its tasks: each kind of request, and the handler that answers it. A new kind is a line here and a handler in a file beside.
 */
import type { Clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import type { Log } from '../../platform/log.ts';
import type { Random } from '../../platform/random.ts';
import type { TaskServices } from '../../platform/task-services.ts';
import type { LargeValues } from '../../platform/value-store.ts';
import type { Database } from '../../store/database.ts';
import { answerAssetEvents } from './asset-events.ts';
import { answerDagRunStates } from './dag-run-states.ts';
import type { EnvironmentSecrets } from './environment-secrets.ts';
import { answerPreviousSuccess } from './previous-success.ts';
import { answerConnection, answerMask, answerRenderedFields, answerVariable, type SecretAnswers } from './secrets.ts';
import { createTaskServices } from './task-services.ts';
import { answerTriggerDagRun } from './trigger-dag-run.ts';
import { answerPushXCom, answerXCom } from './xcoms.ts';

/** What the answers are composed of. */
export interface TaskServicesParts {
  readonly config: Pick<EnvironmentConfig, 'secrets'>;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: EnvironmentSecrets;
  readonly random: Random;
  /** Where large values lie. @default every value is in its row */
  readonly largeValues?: LargeValues;
  /** Says that runs were created or changed. */
  readonly wake: () => void;
}

/** Composes the answers of one environment. */
export function composeTaskServices({ config, ...parts }: TaskServicesParts): TaskServices {
  const { allowedVariables, allowedConnections } = config.secrets;
  const answers: SecretAnswers = {
    ...parts,
    allowed: { variable: allowedVariables, connection: allowedConnections },
    definitions: new Map(),
  };
  const xcoms = { ...parts, sealer: parts.secrets.sealer };
  return createTaskServices(parts.database, {
    variable: (attempt, request) => answerVariable(answers, attempt, request),
    connection: (attempt, request) => answerConnection(answers, attempt, request),
    mask: (_attempt, request) => Promise.resolve(answerMask(answers, request)),
    rendered_fields: (attempt, request) => answerRenderedFields(answers, attempt, request),
    xcom: (attempt, request) => answerXCom(xcoms, attempt, request),
    push_xcom: (attempt, request) => answerPushXCom(xcoms, attempt, request),
    trigger_dag_run: (attempt, request) => answerTriggerDagRun(parts, attempt, request),
    asset_events: (attempt, request) => answerAssetEvents(parts.database, attempt, request),
    previous_success: (attempt) => answerPreviousSuccess(parts.database, attempt),
    dag_run_states: (_attempt, request) => answerDagRunStates(parts.database, request),
  });
}
