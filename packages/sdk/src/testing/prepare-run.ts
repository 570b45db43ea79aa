import {
  assetLeaves,
  assetScheduleOf,
  decodeJson,
  encodeJson,
  isMeantBy,
  type AssetReference,
  type JsonValue,
  type TriggeringEvent,
  type TryContext,
} from '@tradewind/protocol';
import { isAsset, type AnyAsset, type Asset } from '../authoring/asset.ts';
import type { Dag } from '../authoring/definition.ts';
import { showNames, showValue } from '../authoring/show-value.ts';
import type { TaskContext } from '../authoring/task-context.ts';
import { SdkError } from '../errors.ts';
import type { TriggeredRun } from './dag-run-result.ts';
import { createFakeEnvironment, type FakeConnection, type FakeEnvironment } from './fake-requests.ts';
import { resolveParams } from './resolve-params.ts';

/** Stands in for a task's code: the value to pass on, or a function that is run in its place. */
export type FakeTask =
  | ((inputs: Readonly<Record<string, unknown>>, context: TaskContext) => unknown)
  | object
  | string
  | number
  | boolean
  | null;

/** Stands in for a trigger's code. */
export type FakeTrigger = ((args: JsonValue) => unknown) | object | string | number | boolean | null;

/** An asset event that starts a run. */
export interface RunDagEvent<Extra = unknown> {
  readonly asset: Asset<Extra>;
  readonly extra: NoInfer<Extra>;
  /** @default now */
  readonly timestamp?: string | Temporal.Instant;
}

/** What a run of `runDag` is given. */
export interface RunDagOptions<Params = unknown, Extra = unknown> {
  /** Checked against their schemas; what is left out is taken from the events, then from the defaults. @default {} */
  readonly params?: Partial<Params>;
  /** By task id. @default {} */
  readonly fakes?: Readonly<Record<string, FakeTask>>;
  /** What triggers that tasks wait for come to, by the trigger's name: the event, or a function of the trigger's arguments; one that throws has failed. @default {} */
  readonly triggers?: Readonly<Record<string, FakeTrigger>>;
  /** The events that start the run. Top-level fields of their extra become the params of the same name, as in an environment. @default [] */
  readonly events?: readonly RunDagEvent<Extra>[];
  /** @default null */
  readonly logicalDate?: string | Temporal.Instant;
  /** `start` belongs to it, `end` does not. @default null */
  readonly dataInterval?: { readonly start: string | Temporal.Instant; readonly end: string | Temporal.Instant };
  /** What `context.variable` reads, by key; a value that is no text is JSON. @default {} */
  readonly variables?: Readonly<Record<string, JsonValue>>;
  /** What `context.connection` reads, by id. @default {} */
  readonly connections?: Readonly<Record<string, FakeConnection>>;
  /** What `context.signal` is. @default a signal that never aborts */
  readonly signal?: AbortSignal;
}

/** What all tasks of a run share. */
export interface PreparedRun {
  readonly dag: Dag;
  readonly fakes: Readonly<Record<string, FakeTask>>;
  readonly context: Omit<TryContext, 'taskId' | 'mapIndex' | 'tryNumber' | 'maxTries'>;
  readonly signal: AbortSignal;
  readonly environment: FakeEnvironment;
  readonly triggers: Readonly<Record<string, FakeTrigger>>;
  /** What `triggerDagRun` asked for, as it does. */
  readonly triggeredRuns: TriggeredRun[];
}

/** Reads what a run is given. Throws an `SdkError` (`bad_test_run`) where it does not fit the dag. */
export function prepareRun(dag: Dag, { params, fakes = {}, events = [], ...options }: RunDagOptions): PreparedRun {
  const unknownFake = Object.keys(fakes).find((taskId) => !dag.serialized.tasks.some((task) => task.taskId === taskId));
  if (unknownFake !== undefined) throw unknownTask(dag, unknownFake);
  const triggeringEvents = events.map((event) => readEvent(dag, event));
  const logicalDate = instantText(options.logicalDate);
  return {
    dag,
    fakes,
    triggers: options.triggers ?? {},
    triggeredRuns: [],
    signal: options.signal ?? new AbortController().signal,
    environment: createFakeEnvironment({ variables: options.variables ?? {}, connections: options.connections ?? {} }),
    context: {
      dagId: dag.dagId,
      runId: `manual__${logicalDate ?? 'test'}`,
      logicalDate,
      dataIntervalStart: instantText(options.dataInterval?.start),
      dataIntervalEnd: instantText(options.dataInterval?.end),
      runAfter: instantText(options.dataInterval?.end) ?? logicalDate ?? Temporal.Now.instant().toString(),
      params: resolveParams(
        dag.serialized,
        params,
        triggeringEvents.map(({ extra }) => extra),
      ),
      triggeringEvents,
    },
  };
}

/** The error for an id that none of the dag's tasks has. */
export function unknownTask(dag: Dag, taskId: string): SdkError {
  return new SdkError(
    'bad_test_run',
    `runDag of dag "${dag.dagId}": it has no task "${taskId}"; its tasks are ${showNames(dag.serialized.tasks.map((task) => task.taskId))}`,
  );
}

function readEvent(dag: Dag, { asset, extra, timestamp }: RunDagEvent): TriggeringEvent {
  const schedule = assetScheduleOf(dag.serialized.schedule);
  const leaves = schedule === undefined ? [] : assetLeaves(schedule);
  if (!isAsset(asset) || !leaves.some((leaf) => mayMean(leaf, asset))) {
    const known = leaves.length === 0 ? 'none' : leaves.map(showLeaf).join(', ');
    throw new SdkError(
      'bad_test_run',
      `runDag of dag "${dag.dagId}": an event is not of an asset that starts the dag; those are: ${known}`,
    );
  }
  const encoded = encodeJson(extra);
  if (!encoded.ok) {
    throw new SdkError(
      'bad_test_run',
      `runDag of dag "${dag.dagId}": an event’s extra is not JSON: ${encoded.problem.path} ${encoded.problem.reason}`,
    );
  }
  const at = instantText(timestamp) ?? Temporal.Now.instant().toString();
  return { assetName: asset.name, timestamp: at, extra: decodeJson(encoded.json) };
}

/** An alias may stand for any asset: what it stands for, only an environment knows. */
function mayMean(leaf: string | AssetReference, { name, uri }: AnyAsset): boolean {
  if (typeof leaf !== 'string' && 'alias' in leaf) return true;
  return isMeantBy(leaf, { name, uri, aliases: [] });
}

function showLeaf(leaf: string | AssetReference): string {
  return typeof leaf === 'string' ? `'${leaf}'` : showValue(leaf);
}

function instantText(value: string | Temporal.Instant | undefined): string | null {
  return value === undefined ? null : Temporal.Instant.from(value).toString();
}
