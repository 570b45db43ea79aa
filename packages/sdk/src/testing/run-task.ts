import {
  decodeJson,
  encodeJson,
  LOG_LEVELS,
  type Deferral,
  type JsonObject,
  type JsonValue,
  type Resumption,
  type SerializedTask,
  type TryContext,
  type TryOutcome,
} from '@tradewind/protocol';
import type { DagDefinition, TaskHandler } from '../authoring/definition.ts';
import { EMPTY_OPERATOR } from '../authoring/operators/empty.ts';
import type { TaskLog } from '../authoring/task-context.ts';
import { SdkError } from '../errors.ts';
import { codeOf, type FoundCode } from '../worker/dag-loader.ts';
import { describeThrown } from '../worker/describe-thrown.ts';
import { RETURN_VALUE_KEY } from '../worker/environment-access.ts';
import { runTask } from '../worker/run-task.ts';
import type { SensorClock } from '../worker/run-sensor.ts';
import { createTaskContext } from '../worker/task-context.ts';
import type { EmittedAssetEvent, LoggedLine, TaskInstanceResult } from './dag-run-result.ts';
import { createFakeAsk, xcomKey } from './fake-requests.ts';
import type { PreparedRun } from './prepare-run.ts';

/** One task instance that is to be run. */
export interface InstanceToRun {
  readonly task: SerializedTask;
  readonly mapIndex: number;
  readonly expandedCount?: number;
  readonly inputs: Readonly<Record<string, JsonValue | undefined>>;
}

type Code = Omit<FoundCode, 'found'>;

/** More pokes and resumptions than a task is given in one try; a sensor of a test that needs more never ends. */
const MAX_RESUMPTIONS = 20_000;

/** Tries a task instance until it succeeds, skips itself, fails for good or has no retry left. Waits of sensors, retries and timers pass at once. */
export async function runInstance(run: PreparedRun, instance: InstanceToRun): Promise<TaskInstanceResult> {
  const { task, inputs, ...place } = instance;
  const code = codeToRun(run, task);
  if (code === undefined) return { ...untried('success', place.mapIndex), value: engineValue(run, instance) };
  const clock = createVirtualClock(Date.now());
  const log: LoggedLine[] = [];
  const maxTries = task.retries + 1;
  const base = { ...run.context, taskId: task.taskId, ...place, maxTries, firstStartedAt: clock.now() };
  for (let tryNumber = 1; ; tryNumber += 1) {
    const outcome = await runTry(run, { code, task, inputs, clock, log, base: { ...base, tryNumber } });
    const isFinal = outcome.result !== 'failed' || outcome.failure.kind === 'fail_without_retry' || tryNumber === maxTries;
    if (outcome.result === 'success') run.environment.xcoms.set(xcomKey(task.taskId, RETURN_VALUE_KEY), decodeJson(outcome.valueJson));
    if (isFinal) return { ...readOutcome(instance, outcome), tries: tryNumber, log };
  }
}

/** The result of a task instance whose code did not run. */
export function untried(state: TaskInstanceResult['state'], mapIndex: number): TaskInstanceResult {
  return {
    state,
    mapIndex,
    mapIndexLabel: undefined,
    value: undefined,
    tries: 0,
    error: undefined,
    skipReason: undefined,
    decision: undefined,
    events: [],
    log: [],
  };
}

interface TryToRun {
  readonly code: Code;
  readonly task: SerializedTask;
  readonly inputs: InstanceToRun['inputs'];
  readonly clock: VirtualClock;
  readonly log: LoggedLine[];
  readonly base: TryContext;
}

/** One try, with everything that it is called again for. */
async function runTry(run: PreparedRun, { code, task, inputs, clock, log, base }: TryToRun): Promise<FinalOutcome> {
  const ask = createFakeAsk(run, task);
  let resumption = await startOf(run, task, clock);
  let rescheduleCount = 0;
  for (let calls = 0; calls < MAX_RESUMPTIONS; calls += 1) {
    const tryContext = { ...base, rescheduleCount };
    const recording = recordTo(log);
    const { outlets, outletAliases = [], inlets = [] } = task;
    const created = createTaskContext(tryContext, { signal: run.signal, outlets, outletAliases, inlets, log: recording, ask });
    const prepared = { tryContext, inputs: structuredClone(inputs), created, ask, log: recording, clock };
    const outcome = await runTask(code, resumption === undefined ? prepared : { ...prepared, resumption });
    if (outcome.result === 'rescheduled') {
      clock.advanceTo(outcome.at);
      rescheduleCount += 1;
    } else if (outcome.result === 'deferred') {
      resumption = await resume(run, task, outcome.deferral, clock);
    } else {
      return outcome;
    }
  }
  throw badRun(run, `task "${task.taskId}" was called ${MAX_RESUMPTIONS} times and has no end; give it a fake`);
}

type FinalOutcome = Exclude<TryOutcome, { result: 'rescheduled' | 'deferred' }>;

/** What a task begins with that is deferred before its code runs. */
async function startOf(run: PreparedRun, task: SerializedTask, clock: VirtualClock): Promise<Resumption | undefined> {
  const start = task.startFromTrigger;
  if (start === undefined || Object.hasOwn(run.fakes, task.taskId)) return undefined;
  const { trigger, stateJson } = start;
  const spec = trigger.kind === 'timer' ? { kind: 'timer' as const, at: clock.now() + trigger.afterMs } : trigger;
  return resume(run, task, { trigger: spec, stateJson }, clock);
}

/** Lets a timer pass, or asks the fake of a trigger what happened. */
async function resume(run: PreparedRun, task: SerializedTask, { trigger, stateJson }: Deferral, clock: VirtualClock): Promise<Resumption> {
  if (trigger.kind === 'timer') {
    clock.advanceTo(trigger.at);
    return { stateJson, event: { ok: true, json: 'null' } };
  }
  const name = trigger.kind === 'code' ? trigger.name : 'dag_run';
  if (trigger.kind !== 'code' || !Object.hasOwn(run.triggers, name)) {
    throw badRun(run, `task "${task.taskId}" waits for the trigger "${name}"; say what happens: triggers: { ${name}: event }`);
  }
  const fake = run.triggers[name];
  try {
    const event: unknown = typeof fake === 'function' ? await (fake as (args: unknown) => unknown)(decodeJson(trigger.argsJson)) : fake;
    const encoded = encodeJson(event);
    if (encoded.ok) return { stateJson, event: { ok: true, json: encoded.json } };
    const { path, reason } = encoded.problem;
    throw badRun(run, `the event of the trigger "${name}" cannot be passed on: ${path} ${reason}`);
  } catch (error) {
    if (error instanceof SdkError && error.code === 'bad_test_run') throw error;
    return { stateJson, event: { ok: false, message: describeThrown(error).message } };
  }
}

/** What to run for a task: its fake or its own code; undefined for one that the environment does itself. */
export function codeToRun(
  { dag, fakes }: Pick<PreparedRun, 'fakes'> & { readonly dag: DagDefinition },
  task: SerializedTask,
): Code | undefined {
  const { taskId, operator } = task;
  const own = operator === EMPTY_OPERATOR ? undefined : dag.handlers.get(taskId);
  if (!Object.hasOwn(fakes, taskId)) return own === undefined ? undefined : codeOf(dag, task, own);
  const fake = fakes[taskId];
  const { resume: _, ...code } = codeOf(dag, task, typeof fake === 'function' ? (fake as TaskHandler) : () => fake);
  if (task.sensor === undefined || typeof fake === 'function') return code;
  // What a sensor passes on is found at once.
  return { ...code, handler: () => ({ done: true, value: fake }) };
}

/** The value of a task that the environment does itself. */
function engineValue(run: PreparedRun, { task, inputs }: InstanceToRun): JsonValue {
  const { triggerDagRun } = task;
  if (triggerDagRun === undefined) return null;
  const text = (name: string): string | undefined => (typeof inputs[name] === 'string' ? inputs[name] : undefined);
  const runId = text('runId');
  run.triggeredRuns.push({
    taskId: task.taskId,
    dagId: triggerDagRun.dagId,
    conf: (inputs['conf'] ?? {}) as JsonObject,
    logicalDate: text('logicalDate'),
    runId,
    note: text('note'),
  });
  return runId ?? `manual__${text('logicalDate') ?? 'test'}`;
}

function readOutcome({ task, mapIndex }: InstanceToRun, outcome: FinalOutcome): TaskInstanceResult {
  switch (outcome.result) {
    case 'success':
      return {
        ...untried('success', mapIndex),
        value: decodeJson(outcome.valueJson),
        decision: outcome.decision,
        mapIndexLabel: outcome.mapIndexLabel,
        events: outcome.events.map((event) => readEvent(task.taskId, event)),
      };
    case 'skipped':
      return { ...untried('skipped', mapIndex), skipReason: outcome.reason };
    case 'failed':
      return { ...untried('failed', mapIndex), error: outcome.failure };
  }
}

function readEvent(taskId: string, { assetName, extraJson }: { assetName: string; extraJson: string }): EmittedAssetEvent {
  const extra: JsonValue = decodeJson(extraJson);
  return { assetName, taskId, extra };
}

function recordTo(lines: LoggedLine[]): TaskLog {
  const entries = LOG_LEVELS.map((level) => [
    level,
    (event: string, fields: LoggedLine['fields'] = {}) => {
      lines.push({ level, event, fields });
    },
  ]);
  return Object.fromEntries(entries) as TaskLog;
}

/** A clock that a sleep moves. */
interface VirtualClock extends SensorClock {
  readonly advanceTo: (at: number) => void;
}

function createVirtualClock(start: number): VirtualClock {
  let now = start;
  return {
    now: () => now,
    advanceTo: (at) => {
      now = Math.max(now, at);
    },
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      now += ms;
    },
  };
}

function badRun({ dag }: PreparedRun, problem: string): SdkError {
  return new SdkError('bad_test_run', `runDag of dag "${dag.dagId}": ${problem}`);
}
