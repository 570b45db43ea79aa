/** Runs, task instances, and what they wait for. */
import type { CallbackState, DagRunState, DagRunTriggeredBy, DagRunType, TaskInstanceState } from '@tradewind/protocol';
import type { Generated, GeneratedAlways } from 'kysely';

/** One incarnation of a process. Its id is the term that fences what it writes (adr/0005). */
export interface JobTable {
  id: Generated<number>;
  kind: 'scheduler' | 'dag_processor' | 'triggerer';
  hostname: string;
  pid: number;
  startedAt: number;
  /** By the database's clock, as is `expiresAt`. */
  heartbeatAt: number;
  expiresAt: number;
  endedAt: number | null;
}

export interface DagRunTable {
  id: string;
  dagId: string;
  runId: string;
  runType: DagRunType;
  state: DagRunState;
  triggeredBy: DagRunTriggeredBy;
  triggeringUser: string | null;
  /** JSON object. */
  conf: string;
  note: string | null;
  logicalAt: number | null;
  intervalStartAt: number | null;
  intervalEndAt: number | null;
  runAfterAt: number;
  queuedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  dagVersionId: string;
  bundleVersion: string;
  /** The scheduler that holds the run: id of its job. */
  schedulerTerm: number | null;
  /** Raised by everyone but the holder who changes the run or its task instances, so that the holder reads again. */
  revision: Generated<number>;
  /** The tick that may change the run within its own transaction; meaningless outside of it. */
  heldByTick: string | null;
  lastScheduledAt: number | null;
  /** The backfill that made it, or runs it again. */
  backfillId: number | null;
  clearNumber: Generated<number>;
  /** The revision that the holder has read. */
  seenRevision: Generated<number>;
  /** The clear number for which its deadlines were written. */
  deadlinesOf: number | null;
  /** Why the run ended as it did: `task_failure`, `timed_out`, …; null where there is nothing to say. */
  endReason: string | null;
  /** What somebody declared the run to be while its teardowns still had work to do: it ends so. */
  markedState: 'success' | 'failed' | null;
}

/** What a task instance and each try in its history have. */
interface TryColumns {
  epoch: number;
  tryNumber: number;
  state: TaskInstanceState;
  scheduledAt: number | null;
  queuedAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  executor: string | null;
  hostname: string | null;
  pid: number | null;
  /** JSON of the protocol's TryFailure. */
  failure: string | null;
  pool: Generated<string>;
  poolSlots: Generated<number>;
  /** With the weights of the tasks around it. */
  priorityWeight: Generated<number>;
  queue: Generated<string>;
  /** What it is shown by in place of its map index. */
  mapIndexLabel: string | null;
  note: string | null;
}

export interface TaskInstanceTable extends TryColumns {
  id: string;
  dagRunId: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  maxTries: number;
  /** How often a worker or scheduler died under it; not counted as its own failures. */
  losses: number;
  operator: string;
  /** When an `up_for_retry` task instance is due. */
  retryAt: number | null;
  /** 1 where it keeps its slots while it is deferred, as its pool said when it was. */
  keepsSlot: Generated<number>;
  /** The pool whose slots it takes now; follows from its state. */
  occupiedPool: GeneratedAlways<string | null>;
  /** JSON of the protocol's TryDecision: what it chose for the tasks below it. */
  decision: string | null;
  /** When it first entered its code since it was last cleared. */
  firstStartedAt: number | null;
  /** How often it was rescheduled since then. */
  reschedules: Generated<number>;
  /** JSON of the protocol's Deferral, while it is deferred. */
  deferral: string | null;
  /** JSON of the protocol's Resumption, once what it was deferred for has happened. */
  resumption: string | null;
}

/** How many task instances a mapped task or group of a run has. */
export interface MappedScopeTable {
  dagRunId: string;
  /** Id of the task or group. */
  scopeId: string;
  length: number;
}

export interface PoolTable {
  name: string;
  /** -1 for no limit. */
  slots: number;
  description: string;
  /** 1 where deferred task instances keep their slots. */
  includeDeferred: number;
}

/** The tries that a task instance no longer stands for (transitions/record-tries.ts). */
export interface TaskInstanceHistoryTable extends TryColumns {
  taskInstanceId: string;
}

export interface XComTable {
  dagRunId: string;
  taskId: string;
  mapIndex: number;
  key: string;
  /** JSON text. */
  value: string;
  createdAt: number;
  /** The try that pushed it itself; null for what a task returned. */
  tryNumber: number | null;
  /** Where a large value lies: JSON text of a `ValueReference`. The value is then `null`. */
  offloaded: string | null;
}

export interface RenderedTaskInstanceFieldsTable {
  taskInstanceId: string;
  tryNumber: number;
  dagRunId: string;
  dagId: string;
  taskId: string;
  /** JSON object, masked and cut. */
  fields: string;
  renderedAt: number;
}

/** What a deferred task instance waits for; timers are not here, the scheduler has them in memory. Named by task instance and epoch. */
export interface TriggerTable {
  taskInstanceId: string;
  epoch: number;
  dagRunId: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  tryNumber: number;
  kind: 'code' | 'dag_run';
  /** Of code: the trigger's name among those of the task, and its arguments as JSON. */
  name: string | null;
  args: string | null;
  awaitedDagId: string | null;
  awaitedRunId: string | null;
  bundleVersion: string;
  file: string;
  state: 'waiting' | 'fired';
  /** JSON of the protocol's TriggerEvent; only of one that has fired. */
  event: string | null;
  /** The triggerer that runs it: id of its job. */
  triggererTerm: number | null;
  createdAt: number;
  firedAt: number | null;
}

/** A list of callbacks that a change of state asks for. Its id is a function of that change. */
export interface CallbackRequestTable {
  id: string;
  scope: 'task' | 'dag' | 'deadline';
  /** A TaskCallback, a DagCallback, or the name of the deadline. */
  kind: string;
  dagId: string;
  /** Null for a deadline of a run that was never created, as is the run id. */
  dagRunId: string | null;
  runId: string | null;
  taskId: string | null;
  mapIndex: Generated<number>;
  tryNumber: number | null;
  /** JSON of the protocol's CallbackContext. */
  context: string;
  bundleVersion: string;
  file: string;
  state: CallbackState;
  /** How often it was handed to a process. */
  attempts: Generated<number>;
  triggererTerm: number | null;
  /** What the last call left to say. */
  failure: string | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}

/** A moment by which a run should have ended. */
export interface DeadlineTable {
  id: string;
  dagId: string;
  /** Null while the run does not exist that should. */
  dagRunId: string | null;
  logicalAt: number | null;
  name: string;
  /** Kind of the protocol's DeadlineReference. */
  reference: string;
  dueAt: number;
  missedAt: number | null;
  createdAt: number;
}
