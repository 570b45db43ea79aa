import {
  decodeJson,
  type DagRunState,
  type DagRunType,
  type JsonObject,
  type JsonValue,
  type TaskInstanceState,
  type TryFailure,
} from '@tradewind/protocol';
import type { DataInterval } from '@tradewind/sdk';
import type { Database } from '../store/database.ts';
import { RETURN_VALUE_KEY } from '../store/transitions/push-xcoms.ts';
import { badEnvironment } from './store-dags.ts';

/** A run of a test environment, as it stands. */
export interface TestedRun {
  readonly dagId: string;
  readonly runId: string;
  readonly runType: DagRunType;
  readonly state: DagRunState;
  /** Null where the run has none. */
  readonly logicalDate: Temporal.Instant | null;
  /** Null where the run has none. */
  readonly dataInterval: DataInterval | null;
  /** What the run was given; defaults are not in it. */
  readonly conf: JsonObject;
  /** Null before it. */
  readonly startedAt: Temporal.Instant | null;
  /** Null before it. */
  readonly endedAt: Temporal.Instant | null;
  /** By task id. */
  readonly tasks: Readonly<Record<string, TestedTask>>;
  /** The same tasks; throws an `SdkError` (`bad_test_run`) for an id that the run does not have. */
  readonly task: (taskId: string) => TestedTask;
}

/** A task of a run; of a mapped task, all its task instances together. */
export interface TestedTask {
  /** Of a mapped task the weightiest: what is not over, else `failed`, `upstream_failed`, `success`, `skipped`. */
  readonly state: TaskInstanceState;
  /** How many tries there were; 0 where its code never ran. Of a mapped task, of all task instances together. */
  readonly tries: number;
  /** What it returned; undefined unless it succeeded. Of a mapped task the list of the values. */
  readonly value: JsonValue | undefined;
  /** Why the last try failed; undefined where it did not. */
  readonly error: TryFailure | undefined;
  /** When the last try began and ended; null before it. */
  readonly startedAt: Temporal.Instant | null;
  readonly endedAt: Temporal.Instant | null;
  /** Of a mapped task, or one in a mapped group: its task instances in the order of their map indices; empty for others. */
  readonly instances: readonly TestedTaskInstance[];
}

/** A task instance of a mapped task. */
export interface TestedTaskInstance extends Omit<TestedTask, 'instances'> {
  readonly mapIndex: number;
}

/** A deadline that has passed while its run had not succeeded. */
export interface MissedDeadline {
  readonly dagId: string;
  /** Null where the run should have been created and was not. */
  readonly runId: string | null;
  /** The deadline's name. */
  readonly name: string;
  readonly logicalDate: Temporal.Instant | null;
  readonly dueAt: Temporal.Instant;
}

/** The runs of a dag, the earliest due first. */
export async function readRuns({ reads }: Database, dagId: string): Promise<readonly TestedRun[]> {
  const runs = await reads.selectFrom('dagRun').selectAll().where('dagId', '=', dagId).orderBy('runAfterAt').orderBy('runId').execute();
  const stored = await reads.selectFrom('taskInstance').selectAll().where('dagId', '=', dagId).orderBy('mapIndex').execute();
  const values = await reads
    .selectFrom('xcom')
    .innerJoin('dagRun', 'dagRun.id', 'xcom.dagRunId')
    .select(['xcom.dagRunId', 'xcom.taskId', 'xcom.mapIndex', 'xcom.value'])
    .where('dagRun.dagId', '=', dagId)
    .where('xcom.key', '=', RETURN_VALUE_KEY)
    .execute();
  const valueOf = new Map(values.map((row) => [keyOf(row), row.value]));
  const instances = Map.groupBy(stored, ({ dagRunId }) => dagRunId);
  return runs.map((run) => {
    const ofTasks = Map.groupBy(instances.get(run.id) ?? [], ({ taskId }) => taskId);
    const tasks = Object.fromEntries(
      [...ofTasks].map(([taskId, rows]) => [taskId, readTask(rows.map((row) => readInstance(row, valueOf.get(keyOf(row)))))]),
    );
    return {
      dagId,
      runId: run.runId,
      runType: run.runType,
      state: run.state,
      logicalDate: instantOrNull(run.logicalAt),
      dataInterval: readInterval(run.intervalStartAt, run.intervalEndAt),
      conf: decodeJson(run.conf) as JsonObject,
      startedAt: instantOrNull(run.startedAt),
      endedAt: instantOrNull(run.endedAt),
      tasks,
      task: (taskId) => tasks[taskId] ?? unknownTask(run.runId, taskId, Object.keys(tasks)),
    };
  });
}

/** The deadlines that were missed, in the order in which they were due. */
export async function readMissedDeadlines({ reads }: Database): Promise<readonly MissedDeadline[]> {
  const rows = await reads
    .selectFrom('deadline')
    .leftJoin('dagRun', 'dagRun.id', 'deadline.dagRunId')
    .select(['deadline.dagId', 'deadline.name', 'deadline.dueAt', 'deadline.logicalAt', 'dagRun.runId', 'dagRun.logicalAt as runLogicalAt'])
    .where('deadline.missedAt', 'is not', null)
    .orderBy('deadline.dueAt')
    .orderBy('deadline.id')
    .execute();
  return rows.map(({ dagId, name, dueAt, logicalAt, runId, runLogicalAt }) => ({
    dagId,
    runId,
    name,
    logicalDate: instantOrNull(runLogicalAt ?? logicalAt),
    dueAt: Temporal.Instant.fromEpochMilliseconds(dueAt),
  }));
}

interface StoredInstance {
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly tryNumber: number;
  readonly failure: string | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

function readInstance(
  { mapIndex, state, tryNumber, failure, startedAt, endedAt }: StoredInstance,
  value: string | undefined,
): TestedTaskInstance {
  return {
    mapIndex,
    state,
    tries: tryNumber,
    value: state === 'success' && value !== undefined ? decodeJson(value) : undefined,
    error: failure === null ? undefined : (decodeJson(failure) as unknown as TryFailure),
    startedAt: instantOrNull(startedAt),
    endedAt: instantOrNull(endedAt),
  };
}

const STATES_BY_WEIGHT = ['failed', 'upstream_failed', 'success', 'skipped', 'removed'] as const satisfies readonly TaskInstanceState[];

function readTask(instances: readonly TestedTaskInstance[]): TestedTask {
  const [first] = instances;
  if (instances.length === 1 && first?.mapIndex === -1) {
    const { mapIndex: _, ...task } = first;
    return { ...task, instances: [] };
  }
  const unfinished = instances.find(({ state }) => !(STATES_BY_WEIGHT as readonly TaskInstanceState[]).includes(state))?.state;
  return {
    state: unfinished ?? STATES_BY_WEIGHT.find((wanted) => instances.some(({ state }) => state === wanted)) ?? 'skipped',
    tries: instances.reduce((sum, { tries }) => sum + tries, 0),
    value: instances.flatMap(({ value }) => (value === undefined ? [] : [value])),
    error: instances.find(({ error }) => error !== undefined)?.error,
    startedAt: first?.startedAt ?? null,
    endedAt: instances.at(-1)?.endedAt ?? null,
    instances: instances.filter(({ mapIndex }) => mapIndex >= 0),
  };
}

function keyOf({ dagRunId, taskId, mapIndex }: { readonly dagRunId: string; readonly taskId: string; readonly mapIndex: number }): string {
  return `${dagRunId}\n${taskId}\n${mapIndex}`;
}

function readInterval(startAt: number | null, endAt: number | null): DataInterval | null {
  const [start, end] = [instantOrNull(startAt), instantOrNull(endAt)];
  return start === null || end === null ? null : { start, end };
}

function instantOrNull(at: number | null): Temporal.Instant | null {
  return at === null ? null : Temporal.Instant.fromEpochMilliseconds(at);
}

function unknownTask(runId: string, taskId: string, known: readonly string[]): never {
  throw badEnvironment(`run "${runId}" has no task "${taskId}"; its tasks are ${known.join(', ')}`);
}
