import { decodeJson, encodeJson, type TriggeringEvent, type TryContext } from '@tradewind/protocol';
import { isAsset, type Asset } from '../authoring/asset.ts';
import type { Dag } from '../authoring/dag.ts';
import { showNames } from '../authoring/show-value.ts';
import type { TaskContext } from '../authoring/task-context.ts';
import { SdkError } from '../errors.ts';
import { resolveParams } from './resolve-params.ts';

/** Stands in for a task's code: the value to pass on, or a function that is run in its place. */
export type FakeTask =
  | ((inputs: Readonly<Record<string, unknown>>, context: TaskContext) => unknown)
  | object
  | string
  | number
  | boolean
  | null;

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
  /** The events that start the run. Top-level fields of their extra become the params of the same name, as in an environment. @default [] */
  readonly events?: readonly RunDagEvent<Extra>[];
  /** @default null */
  readonly logicalDate?: string | Temporal.Instant;
  /** `start` belongs to it, `end` does not. @default null */
  readonly dataInterval?: { readonly start: string | Temporal.Instant; readonly end: string | Temporal.Instant };
  /** What `context.signal` is. @default a signal that never aborts */
  readonly signal?: AbortSignal;
}

/** What all tasks of a run share. */
export interface PreparedRun {
  readonly dag: Dag;
  readonly fakes: Readonly<Record<string, FakeTask>>;
  readonly context: Omit<TryContext, 'taskId' | 'tryNumber' | 'maxTries'>;
  readonly signal: AbortSignal;
}

/** Reads what a run is given. Throws an `SdkError` (`bad_test_run`) where it does not fit the dag. */
export function prepareRun(dag: Dag, { params, fakes = {}, events = [], ...options }: RunDagOptions): PreparedRun {
  const unknownFake = Object.keys(fakes).find((taskId) => !dag.handlers.has(taskId));
  if (unknownFake !== undefined) throw unknownTask(dag, unknownFake);
  const triggeringEvents = events.map((event) => readEvent(dag, event));
  const logicalDate = instantText(options.logicalDate);
  return {
    dag,
    fakes,
    signal: options.signal ?? new AbortController().signal,
    context: {
      dagId: dag.dagId,
      runId: `manual__${logicalDate ?? 'test'}`,
      mapIndex: -1,
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
    `runDag of dag "${dag.dagId}": it has no task "${taskId}"; its tasks are ${showNames(dag.handlers.keys())}`,
  );
}

function readEvent(dag: Dag, { asset, extra, timestamp }: RunDagEvent): TriggeringEvent {
  const { schedule } = dag.serialized;
  if (!isAsset(asset) || schedule.kind !== 'asset' || !schedule.any.includes(asset.name)) {
    const known = schedule.kind === 'asset' ? showNames(schedule.any) : 'none';
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

function instantText(value: string | Temporal.Instant | undefined): string | null {
  return value === undefined ? null : Temporal.Instant.from(value).toString();
}
