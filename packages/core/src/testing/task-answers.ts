import { answerAssetEvents } from '../cli/task-services/asset-events.ts';
import { answerDagRunStates } from '../cli/task-services/dag-run-states.ts';
import { answerPreviousSuccess } from '../cli/task-services/previous-success.ts';
import { createTaskServices } from '../cli/task-services/task-services.ts';
import { answerTriggerDagRun } from '../cli/task-services/trigger-dag-run.ts';
import { answerPushXCom, answerXCom } from '../cli/task-services/xcoms.ts';
import type { TriggerParts } from '../api/trigger-dag-run.ts';
import { Masker } from '../model/masking/masker.ts';
import { ValueSealer } from '../model/masking/value-sealer.ts';
import type { TaskServices } from '../platform/task-services.ts';

/** What a test environment answers to its tasks, by the handlers of a real one. Variables, connections and masks never come here: the test itself says them. */
export function composeTaskAnswers(parts: TriggerParts): TaskServices {
  const { database } = parts;
  // A test has no secrets, and a database that is gone with it: nothing is sealed.
  const xcoms = { ...parts, sealer: new ValueSealer(new Masker(() => false), { seal: (text) => text, open: (sealed) => sealed }) };
  return createTaskServices(database, {
    xcom: (attempt, request) => answerXCom(xcoms, attempt, request),
    push_xcom: (attempt, request) => answerPushXCom(xcoms, attempt, request),
    trigger_dag_run: (attempt, request) => answerTriggerDagRun(parts, attempt, request),
    asset_events: (attempt, request) => answerAssetEvents(database, attempt, request),
    previous_success: (attempt) => answerPreviousSuccess(database, attempt),
    dag_run_states: (_attempt, request) => answerDagRunStates(database, request),
  });
}
