import { TASK_INSTANCE_STATES, type DagRunStates, type Duration, type TaskInstanceState } from '@tradewind/protocol';
import { DefinitionError, FailTask, RequestError, SkipTask } from '../../../errors.ts';
import { askEnvironment } from '../../ask-environment.ts';
import { checkFields, MAX_NAME_LENGTH, readBoolean, readText } from '../../check-fields.ts';
import { readDagId } from '../../kinds/trigger-dag-run.ts';
import { readDuration } from '../../read-duration.ts';
import { readNames } from '../../read-lists.ts';
import { showNames, showValue } from '../../show-value.ts';
import type { TaskContext } from '../../task-context.ts';
import type { DagOrId, SensorOperatorSpec } from '../../task-kinds.ts';

/** What an external-task sensor waits for: a run of another dag of this environment, or tasks of it. */
export interface ExternalTaskSensorOptions {
  /** The dag, or its id. */
  readonly dag: DagOrId;
  /** Ids of tasks that are looked at in place of the whole run; all of them must get there. */
  readonly tasks?: readonly string[];
  /** Id of a group whose tasks are looked at in place of the whole run. */
  readonly group?: string;
  /** The states that it waits for. @default ['success'] */
  readonly allowedStates?: readonly TaskInstanceState[];
  /** The states that fail the sensor. @default [] */
  readonly failedStates?: readonly TaskInstanceState[];
  /** The states that skip it. @default [] */
  readonly skippedStates?: readonly TaskInstanceState[];
  /** Looks at the run whose logical date is so much before the own one. @default the same logical date */
  readonly delta?: Duration;
  /** Which logical dates are looked at, in place of `delta`; all of them must get there. */
  readonly logicalDates?: (logicalDate: Temporal.Instant | null, context: TaskContext) => Temporal.Instant | readonly Temporal.Instant[];
  /** Fails where there is no such dag, task or group, and does not wait for one to appear. @default false */
  readonly checkExistence?: boolean;
}

const FIELDS: Readonly<Record<keyof ExternalTaskSensorOptions, true>> = {
  dag: true,
  tasks: true,
  group: true,
  allowedStates: true,
  failedStates: true,
  skippedStates: true,
  delta: true,
  logicalDates: true,
  checkExistence: true,
};

interface CheckedOptions {
  readonly dagId: string;
  readonly tasks: readonly string[] | undefined;
  readonly group: string | undefined;
  readonly allowedStates: readonly TaskInstanceState[];
  readonly failedStates: readonly TaskInstanceState[];
  readonly skippedStates: readonly TaskInstanceState[];
  readonly deltaMs: number;
  readonly logicalDates: ExternalTaskSensorOptions['logicalDates'];
  readonly checkExistence: boolean;
}

/**
 * Waits for the run of another dag of this environment that has the same logical date, or another one that is asked for. A dag of another environment is waited for
 * with an asset.
 *
 * @example
 * d.sensor('orders_loaded', {
 *   ...externalTaskSensor({ dag: 'orders', tasks: ['load'], delta: { hours: 1 }, failedStates: ['failed', 'upstream_failed'] }),
 *   mode: 'reschedule', timeout: { hours: 6 },
 * });
 */
export function externalTaskSensor(options: ExternalTaskSensorOptions): SensorOperatorSpec<Promise<boolean>> {
  const checked = readOptions('externalTaskSensor()', options);
  const { logicalDates: _, tasks, group, ...fields } = checked;
  return {
    operator: 'external_task_sensor',
    fields: { ...fields, ...(tasks === undefined ? {} : { tasks }), ...(group === undefined ? {} : { group }) },
    poke: async (_inputs, context) => look(checked, context),
  };
}

async function look(options: CheckedOptions, context: TaskContext): Promise<boolean> {
  const dates = datesOf(options, context);
  const { dagId, tasks, group } = options;
  const response = await askEnvironment(context, {
    kind: 'dag_run_states',
    dagId,
    logicalDates: dates.map(String),
    ...(tasks === undefined ? {} : { taskIds: tasks }),
    ...(group === undefined ? {} : { groupId: group }),
  });
  if (response.ok) return judge(options, dates.length, response.value as unknown as DagRunStates);
  if (response.code !== 'not_found') throw new RequestError(response.code, response.message);
  if (options.checkExistence) throw new FailTask(response.message);
  context.log.info('there is nothing to look at yet', { reason: response.message });
  return false;
}

function judge({ tasks, group, ...states }: CheckedOptions, dates: number, { runs }: DagRunStates): boolean {
  const looksAtTasks = tasks !== undefined || group !== undefined;
  const seen = runs.flatMap((run) => (looksAtTasks ? run.taskInstances.map(({ state }) => state) : [run.state]));
  const failed = seen.find((state) => states.failedStates.includes(state));
  if (failed !== undefined) throw new FailTask(`${showTarget(tasks, group)} of dag "${states.dagId}" is ${failed}`);
  const skipped = seen.find((state) => states.skippedStates.includes(state));
  if (skipped !== undefined) throw new SkipTask(`${showTarget(tasks, group)} of dag "${states.dagId}" is ${skipped}`);
  const isComplete = runs.every(({ taskInstances }) => (tasks ?? []).every((id) => taskInstances.some(({ taskId }) => taskId === id)));
  return runs.length >= dates && isComplete && seen.length > 0 && seen.every((state) => states.allowedStates.includes(state));
}

function showTarget(tasks: readonly string[] | undefined, group: string | undefined): string {
  if (tasks !== undefined) return `one of the tasks ${showNames(tasks)}`;
  return group === undefined ? 'the run' : `a task of group '${group}'`;
}

function datesOf({ deltaMs, logicalDates }: CheckedOptions, context: TaskContext): readonly Temporal.Instant[] {
  const { logicalDate } = context;
  if (logicalDates !== undefined) {
    const dates = [logicalDates(logicalDate, context)].flat() as readonly unknown[];
    const bad = dates.find((date) => !(date instanceof Temporal.Instant));
    if (bad === undefined && dates.length > 0) return dates as readonly Temporal.Instant[];
    throw new FailTask(`logicalDates returned ${dates.length === 0 ? 'no date' : showValue(bad)}; return one or more Temporal.Instant`);
  }
  if (logicalDate === null) throw new FailTask('the run has no logical date to look for; say which in logicalDates');
  return [logicalDate.subtract({ milliseconds: deltaMs })];
}

function readOptions(where: string, options: unknown): CheckedOptions {
  const fields = checkFields(where, 'its options', options, FIELDS);
  const checked: CheckedOptions = {
    dagId: readDagId(where, fields.dag),
    tasks: readNames(where, 'tasks', fields.tasks),
    group: readText(where, 'group', fields.group, MAX_NAME_LENGTH),
    allowedStates: readStates(where, 'allowedStates', fields.allowedStates) ?? ['success'],
    failedStates: readStates(where, 'failedStates', fields.failedStates) ?? [],
    skippedStates: readStates(where, 'skippedStates', fields.skippedStates) ?? [],
    deltaMs: readDuration(where, 'delta', fields.delta) ?? 0,
    logicalDates: readFunction(where, fields.logicalDates),
    checkExistence: readBoolean(where, 'checkExistence', fields.checkExistence, false),
  };
  checkTogether(where, checked, fields.delta !== undefined);
  return checked;
}

function readFunction(where: string, value: unknown): ExternalTaskSensorOptions['logicalDates'] {
  if (value === undefined || typeof value === 'function') return value as ExternalTaskSensorOptions['logicalDates'];
  throw new DefinitionError(where, `logicalDates is ${showValue(value)}; give a function of the logical date`);
}

function readStates(where: string, field: string, value: unknown): readonly TaskInstanceState[] | undefined {
  if (value === undefined) return undefined;
  const isState = (state: unknown): boolean => TASK_INSTANCE_STATES.some((known) => known === state);
  if (Array.isArray(value) && value.every(isState)) return [...new Set(value as TaskInstanceState[])];
  throw new DefinitionError(where, `${field} is ${showValue(value)}; list some of ${showNames(TASK_INSTANCE_STATES)}`);
}

function checkTogether(where: string, { tasks, group, logicalDates, ...states }: CheckedOptions, hasDelta: boolean): void {
  if (tasks !== undefined && group !== undefined) throw new DefinitionError(where, 'tasks and group are both given; leave one of them out');
  if (tasks?.length === 0) throw new DefinitionError(where, 'tasks is empty; leave it out to look at the whole run');
  if (logicalDates !== undefined && hasDelta)
    throw new DefinitionError(where, 'delta and logicalDates are both given; leave one of them out');
  const all = [...states.allowedStates, ...states.failedStates, ...states.skippedStates];
  const twice = all.find((state, index) => all.indexOf(state) !== index);
  if (twice !== undefined)
    throw new DefinitionError(where, `'${twice}' stands in two of allowedStates, failedStates and skippedStates; leave it in one`);
}
