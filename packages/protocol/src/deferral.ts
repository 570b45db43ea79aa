/** What a deferred task waits for. */
export type TriggerSpec =
  /** A moment, in epoch milliseconds. Needs no author code: the scheduler's own clock. */
  | { readonly kind: 'timer'; readonly at: number }
  /** A trigger of the task's code, by its name, with what it is to wait for. Runs in a trigger child. */
  | { readonly kind: 'code'; readonly name: string; readonly argsJson: string }
  /** The end of a run of another dag of this environment. */
  | { readonly kind: 'dag_run'; readonly dagId: string; readonly runId: string };

/** A task's request to leave its slot and be called again when something has happened. */
export interface Deferral {
  readonly trigger: TriggerSpec;
  /** What the code wants to have when it is called again. */
  readonly stateJson: string;
  /** Fails the task when nothing has happened by then; epoch milliseconds. */
  readonly timeoutAt?: number;
}

/** The deferral that a task begins with: it is set before any of its code has run, by nothing but its definition. */
export interface StartFromTrigger {
  /** A timer is counted from the moment at which the task would have been scheduled. */
  readonly trigger:
    | { readonly kind: 'timer'; readonly afterMs: number }
    | { readonly kind: 'code'; readonly name: string; readonly argsJson: string };
  readonly stateJson: string;
  /** Fails the task when nothing has happened after so long. */
  readonly timeoutMs?: number;
}

/** What a task that was deferred finds when it is called again. */
export interface Resumption {
  readonly stateJson: string;
  /** What happened: the event of the trigger, or why there is none. */
  readonly event: { readonly ok: true; readonly json: string } | { readonly ok: false; readonly message: string };
}
