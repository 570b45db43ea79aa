import type { DagRunState, TaskInstanceState } from '@tradewind/protocol';

/** Something that has just been committed, for whoever watches the environment: the terminal, later the web UI. */
export type Activity =
  | { readonly type: 'dag_run'; readonly dagId: string; readonly runId: string; readonly runType: string; readonly state: DagRunState }
  | {
      readonly type: 'task_instance';
      readonly dagId: string;
      readonly runId: string;
      readonly taskId: string;
      /** Only for a task instance of a mapped task. */
      readonly mapIndex?: number;
      readonly tryNumber: number;
      readonly state: TaskInstanceState;
      /** How long the try ran; only for one that ended. */
      readonly durationMs?: number;
      /** Why it failed. */
      readonly reason?: string;
    }
  | { readonly type: 'event_emitted'; readonly dagId: string; readonly runId: string; readonly assetName: string; readonly eventId: string }
  | { readonly type: 'event_published'; readonly assetName: string; readonly eventId: string; readonly target: string }
  | { readonly type: 'message_received'; readonly subscription: string; readonly messageId: string; readonly outcome: string };

/** Receives what happened, after the commit. Must not throw and must not wait. */
export type ActivityObserver = (activity: Activity) => void;
