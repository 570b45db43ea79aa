import type { TaskRequest, TryOutcome, Workload } from '@tradewind/protocol';
import type { DagDefinition } from '../authoring/definition.ts';
import type { TaskLog } from '../authoring/task-context.ts';
import { TIME } from '../authoring/time-of-try.ts';
import { describeThrown } from '../worker/describe-thrown.ts';
import type { Ask } from '../worker/request-channel.ts';
import type { SensorClock } from '../worker/run-sensor.ts';
import { runTask } from '../worker/run-task.ts';
import { createTaskContext } from '../worker/task-context.ts';
import { TryInputs } from '../worker/try-inputs.ts';
import { createFakeAsk, createFakeEnvironment, type FakeEnvironment } from './fake-requests.ts';
import type { FakeTask } from './prepare-run.ts';
import { codeToRun } from './run-task.ts';

/** What a try is given that runs in the process of its test. */
export interface RunTryOptions extends Partial<Pick<FakeEnvironment, 'variables' | 'connections'>> {
  /** By task id. @default {} */
  readonly fakes?: Readonly<Record<string, FakeTask>>;
  /** Answers what is neither a variable nor a connection: values of other tasks, events, runs. */
  readonly ask: Ask;
  /** Which time the waits of sensors are measured in. */
  readonly clock: SensorClock;
  readonly log: TaskLog;
  /** What `context.signal` is. */
  readonly signal: AbortSignal;
}

/** Requests that the test answers itself. */
const ANSWERED_BY_THE_TEST: ReadonlySet<TaskRequest['kind']> = new Set(['variable', 'connection', 'mask', 'rendered_fields']);

/**
 * Runs one try of a task in this process, as a task's own process does: the same context, values through JSON. For executors of tests. Never rejects: whatever goes
 * wrong is an outcome.
 *
 * @example
 * const outcome = await runTry(orders, workload, { ask, clock, log, signal, fakes: { extract: [1, 2, 3] } });
 * if (outcome.result === 'success') report(outcome.valueJson);
 */
export async function runTry(dag: DagDefinition, workload: Workload, options: RunTryOptions): Promise<TryOutcome> {
  const { context: tryContext, inputsJson, resumption } = workload;
  const { fakes = {}, clock, log, signal } = options;
  const task = dag.serialized.tasks.find(({ taskId }) => taskId === tryContext.taskId);
  const code = task === undefined ? undefined : codeToRun({ dag, fakes }, task);
  if (task === undefined || code === undefined) {
    const message = `dag "${dag.dagId}" has no task "${tryContext.taskId}" that can be run`;
    return { result: 'failed', failure: { kind: 'import', message } };
  }
  const environment = createFakeEnvironment(options);
  const answer = createFakeAsk({ environment }, task);
  const ask: Ask = (request) => (ANSWERED_BY_THE_TEST.has(request.kind) ? answer(request) : options.ask(request));
  try {
    const inputs = new TryInputs(inputsJson).read();
    const { outlets, outletAliases = [], inlets = [] } = task;
    const created = createTaskContext(tryContext, { signal, log, outlets, outletAliases, inlets, ask });
    // Sensors of this package look at the clock themselves.
    Object.defineProperty(created.context, TIME, { value: clock.now });
    const resumed = resumption === undefined ? {} : { resumption };
    return await runTask(code, { tryContext, ...resumed, inputs, created, ask, log, clock });
  } catch (error) {
    return { result: 'failed', failure: { kind: 'error', message: `the try could not be prepared: ${describeThrown(error).message}` } };
  }
}
