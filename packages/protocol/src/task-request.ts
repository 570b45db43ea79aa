/**
 * What the code of a try may ask for while it runs: the child sends a request over its channel, the supervisor has the environment answer it. A child never
 * reaches the database, and is given only what its task may have.
 */
import type { JsonObject, JsonValue } from './json.ts';
import type { DagRunState, TaskInstanceState } from './states.ts';

/** How many requests of one try may wait for their answers; the child keeps further ones back. */
export const MAX_REQUESTS_IN_FLIGHT = 16;

/** The longest text of a rendered field that is kept (Airflow's `max_templated_field_length`). */
export const MAX_RENDERED_FIELD_LENGTH = 4_096;

/** One question of a try. */
export type TaskRequest =
  | { readonly kind: 'variable'; readonly key: string }
  | { readonly kind: 'connection'; readonly connId: string }
  /** Values that tasks of this dag pushed; without a map index those of all of them, with `includePriorDates` the newest of earlier runs. */
  | {
      readonly kind: 'xcom';
      readonly taskId: string;
      readonly key: string;
      readonly mapIndex?: number;
      readonly runId?: string;
      readonly includePriorDates?: boolean;
    }
  | { readonly kind: 'push_xcom'; readonly key: string; readonly valueJson: string }
  /** Events of an asset among the task's inlets, oldest first unless it is said otherwise. */
  | {
      readonly kind: 'asset_events';
      readonly assetName: string;
      readonly after?: string;
      readonly before?: string;
      readonly limit?: number;
      readonly newestFirst?: true;
    }
  /** The state of runs or task instances of a dag of this environment. */
  | {
      readonly kind: 'dag_run_states';
      readonly dagId: string;
      /** ISO 8601 instants, or run ids. */
      readonly logicalDates?: readonly string[];
      readonly runIds?: readonly string[];
      readonly taskIds?: readonly string[];
      readonly groupId?: string;
    }
  /** The newest run of the own dag that succeeded, of those with an earlier logical date. */
  | { readonly kind: 'previous_success' }
  /** Starts a run of a dag of this environment; asked again by the same try, also after a crash, it starts no second one. */
  | {
      readonly kind: 'trigger_dag_run';
      readonly dagId: string;
      readonly runId?: string;
      /** JSON object: the params. */
      readonly confJson: string;
      /** ISO 8601 instant. */
      readonly logicalDate?: string;
      readonly note?: string;
      readonly onExisting: 'fail' | 'reset' | 'skip';
      readonly failWhenDagIsPaused: boolean;
    }
  /** What the template fields of the try became, to be shown to people. Nothing is answered. */
  | { readonly kind: 'rendered_fields'; readonly fields: JsonObject }
  /** Texts that the environment must not show from here on. Nothing is answered. */
  | { readonly kind: 'mask'; readonly values: readonly string[] };

/**
 * The answer to `dag_run_states`, as the value of a response: each run that there is, in the order of its logical date, with the task instances that were asked for. A
 * dag, a task or a group that does not exist is `not_found`.
 */
export interface DagRunStates {
  readonly runs: readonly {
    readonly runId: string;
    readonly logicalDate: string | null;
    readonly state: DagRunState;
    readonly taskInstances: readonly { readonly taskId: string; readonly mapIndex: number; readonly state: TaskInstanceState }[];
  }[];
}

/** The answer to `previous_success`, as the value of a response; null where there is no such run. ISO 8601 instants. */
export interface PreviousSuccess {
  readonly dataIntervalStart: string | null;
  readonly dataIntervalEnd: string | null;
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/** The answer to `trigger_dag_run`, as the value of a response. */
export interface TriggeredDagRun {
  readonly runId: string;
  /** `skipped`: the run existed already and was left alone. */
  readonly outcome: 'created' | 'reset' | 'skipped';
}

/** The environment's answer. */
export type TaskResponse =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly code: 'not_found' | 'forbidden' | 'bad_request' | 'unavailable'; readonly message: string };
