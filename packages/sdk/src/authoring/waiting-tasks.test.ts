import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import {
  bashSensor,
  dag,
  dateTimeSensor,
  dayOfWeekSensor,
  defer,
  deferFor,
  deferUntil,
  externalTaskMarker,
  externalTaskSensor,
  fileSensor,
  findTrigger,
  timeDeltaSensor,
  trigger,
  type DagBuilder,
} from '../index.ts';

const run = (): number => 1;
const job = trigger('job', { run: async ({ id }: { id: string }) => ({ rows: id.length }) });

const firstTask = (define: (d: DagBuilder<{}, never>) => void) => {
  const { serialized } = dag('d', define);
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return serialized.tasks[0];
};
/** Calls a method as JavaScript would: with anything. */
const call = (method: string, spec: unknown) => () =>
  dag('d', (d) => {
    (d as unknown as Readonly<Record<string, (id: string, spec: unknown) => unknown>>)[method]?.('t', spec);
  });

describe('a sensor', () => {
  test('asks each minute for a week, and keeps its slot, unless it is told otherwise', () => {
    expect(firstTask((d) => d.sensor('t', { poke: () => true }))).toMatchObject({
      operator: 'sensor',
      sensor: { mode: 'poke', pokeIntervalMs: 60_000, timeoutMs: 604_800_000, onFailure: 'fail' },
    });
    const spec = {
      mode: 'reschedule',
      pokeInterval: { seconds: 5 },
      timeout: { hours: 1 },
      onFailure: 'soft',
      exponentialBackoff: true,
      maxWait: { minutes: 10 },
      poke: () => false,
    } as const;
    expect(firstTask((d) => d.sensor('t', spec))?.sensor).toEqual({
      mode: 'reschedule',
      pokeIntervalMs: 5_000,
      timeoutMs: 3_600_000,
      onFailure: 'soft',
      exponentialBackoff: true,
      maxWaitMs: 600_000,
    });
  });

  test.each([
    ['no poke', { run }, "'run' is not a field of a sensor"],
    ['a poke that is no function', { poke: true }, 'poke must be a function'],
    ['an unknown mode', { poke: run, mode: 'sleep' }, "mode is 'sleep'; use one of 'poke', 'reschedule'"],
    ['an unknown failure', { poke: run, onFailure: 'hard' }, "onFailure is 'hard'"],
    ['no time between pokes', { poke: run, pokeInterval: { seconds: 0 } }, 'pokeInterval is no time at all'],
  ])('is refused for %s', (_, spec, message) => {
    expect(call('sensor', spec)).toThrow(message);
  });
});

describe('a sensor operator', () => {
  test.each([
    ['bash_sensor', bashSensor({ command: 'test -s x', retryExitCode: 2 }), { command: 'test -s x', retryExitCode: 2 }],
    ['date_time_sensor', dateTimeSensor({ at: Temporal.Instant.from('2026-01-01T00:00Z') }), { at: '2026-01-01T00:00:00Z' }],
    ['day_of_week_sensor', dayOfWeekSensor({ weekDay: 'monday' }), { weekDays: ['monday'], useTaskLogicalDate: false, timezone: 'UTC' }],
    [
      'external_task_sensor',
      externalTaskSensor({ dag: 'other', tasks: ['a'] }),
      { dagId: 'other', tasks: ['a'], allowedStates: ['success'] },
    ],
    ['file_sensor', fileSensor({ path: '/data/*.csv' }), { path: '/data/*.csv' }],
    ['time_delta_sensor', timeDeltaSensor({ delta: { hours: 1 } }), { deltaMs: 3_600_000 }],
  ])('%s says what it waits for', (operator, spec, fields) => {
    const task = firstTask((d) => {
      d.sensor('t', { ...(spec as ReturnType<typeof dateTimeSensor>), mode: 'reschedule' });
    });
    expect(task).toMatchObject({ operator, fields, sensor: { mode: 'reschedule' } });
  });

  test.each([
    ['a blank path', () => fileSensor({ path: ' ' }), 'fileSensor(): path is missing'],
    ['an unknown day', () => dayOfWeekSensor({ weekDay: 'mon' as 'monday' }), "weekDay is 'mon'; use 'monday'"],
    ['no day', () => dayOfWeekSensor({ weekDay: [] }), 'weekDay is []'],
    ['no delta', () => timeDeltaSensor({} as never), 'timeDeltaSensor(): delta is missing'],
    ['no moment', () => dateTimeSensor({ at: '' }), "dateTimeSensor(): at is ''"],
    ['no command', () => bashSensor({ command: '' }), 'bashSensor(): command is missing'],
    ['an exit code of success', () => bashSensor({ command: 'true', retryExitCode: 0 }), 'retryExitCode is 0'],
    ['no dag', () => externalTaskSensor({ dag: 'no spaces' }), "dag is 'no spaces'; give a dag, as dag() returned it, or its id"],
    ['tasks and a group', () => externalTaskSensor({ dag: 'a', tasks: ['t'], group: 'g' }), 'tasks and group are both given'],
    ['no tasks', () => externalTaskSensor({ dag: 'a', tasks: [] }), 'tasks is empty'],
    ['a state of two kinds', () => externalTaskSensor({ dag: 'a', failedStates: ['success'] }), "'success' stands in two of"],
    ['a state that there is not', () => externalTaskSensor({ dag: 'a', failedStates: ['bad' as 'failed'] }), "failedStates is [ 'bad' ]"],
    [
      'delta and dates',
      () => externalTaskSensor({ dag: 'a', delta: { hours: 1 }, logicalDates: () => [] }),
      'delta and logicalDates are both given',
    ],
  ])('is refused for %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('a task that may be deferred', () => {
  test('keeps its triggers and its resume in the definition', () => {
    const resume = (): number => 1;
    const definition = dag('d', (d) => {
      d.task('t', { triggers: [job], run: () => defer(job, { args: { id: 'x' } }), resume });
    });
    expect(definition.resumeHandlers.get('t')).toBe(resume);
    expect(findTrigger(definition, 't', 'job')).toBe(job.run);
    expect(findTrigger(definition, 't', 'other')).toBeUndefined();
    expect(findTrigger(definition, 'u', 'job')).toBeUndefined();
  });

  test('may begin deferred', () => {
    const start = defer(job, { args: { id: 'x' }, state: [1], timeout: { hours: 1 } });
    expect(firstTask((d) => d.task('t', { triggers: [job], startFromTrigger: start, run, resume: run }))?.startFromTrigger).toEqual({
      trigger: { kind: 'code', name: 'job', argsJson: '{"id":"x"}' },
      stateJson: '[1]',
      timeoutMs: 3_600_000,
    });
    expect(firstTask((d) => d.task('t', { startFromTrigger: deferFor({ minutes: 1 }), run, resume: run }))?.startFromTrigger).toEqual({
      trigger: { kind: 'timer', afterMs: 60_000 },
      stateJson: 'null',
    });
  });

  const start = { run, resume: run, triggers: [job] };
  test.each([
    ['a trigger that is none', { run, triggers: ['job'] }, "triggers[0] is 'job'; list triggers, as trigger() returns them"],
    ['triggers that are no list', { run, triggers: job }, 'triggers must be a list'],
    ['two triggers of one name', { run, triggers: [job, job] }, "two triggers are named 'job'"],
    ['a resume that is no function', { run, resume: 1 }, 'resume must be a function of (event, inputs, context, state)'],
    ['a start that is no deferral', { ...start, startFromTrigger: job }, 'give what defer() or deferFor() returns'],
    ['a start at one moment', { ...start, startFromTrigger: deferUntil(Temporal.Instant.from('2026-01-01T00:00Z')) }, 'use deferFor()'],
    [
      'a start from another trigger',
      { run, resume: run, startFromTrigger: defer(job, { args: { id: '' } }) },
      "waits for the trigger 'job'",
    ],
  ])('is refused for %s', (_, spec, message) => {
    expect(call('task', spec)).toThrow(message);
  });

  test.each([
    ['a blank name', () => trigger(' ', { run }), 'trigger " ": a name is a text'],
    ['no code', () => trigger('t', {} as never), 'trigger "t": run must be a function'],
    ['what is no trigger', () => defer({} as typeof job, { args: { id: '' } }), 'defer(): its first argument is {}'],
    [
      'arguments that are not JSON',
      () => defer(job, { args: { id: 1n as never } }),
      'the args of a deferral cannot be kept: $.id is a BigInt',
    ],
    ['a moment that is none', () => deferUntil('soon' as never), "deferUntil(): the moment is 'soon'"],
    ['a bad duration', () => deferFor({ minute: 1 } as never), 'deferFor(): the duration is { minute: 1 }'],
  ])('says what is wrong with %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('a task that triggers a dag run', () => {
  const other = dag('other', { params: { region: { type: 'string', default: 'eu' } } }, () => {});

  test('says what, and carries what varies in its inputs', () => {
    const { serialized, handlers } = dag('d', (d) => {
      const conf = d.task('conf', { run: () => ({ region: 'us' }) });
      const date = d.task('date', { run: () => '2026-01-01T00:00:00Z' });
      d.triggerDagRun('plain', { dag: 'other' });
      d.triggerDagRun('full', {
        dag: other,
        conf,
        logicalDate: date,
        runId: 'mine',
        note: 'by hand',
        waitForCompletion: true,
        onExisting: 'reset',
        failWhenDagIsPaused: true,
        allowedStates: ['success', 'failed'],
        triggerRule: 'all_done',
      });
    });
    expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
    expect(serialized.tasks[2]).toMatchObject({
      operator: 'trigger_dag_run',
      inputs: {},
      triggerDagRun: {
        dagId: 'other',
        waitForCompletion: false,
        onExisting: 'fail',
        failWhenDagIsPaused: false,
        allowedStates: ['success'],
        failedStates: ['failed'],
      },
    });
    expect(serialized.tasks[3]).toMatchObject({
      upstream: ['conf', 'date'],
      triggerRule: 'all_done',
      inputs: {
        conf: { kind: 'xcom', taskId: 'conf' },
        logicalDate: { kind: 'xcom', taskId: 'date' },
        runId: { kind: 'literal', value: 'mine' },
        note: { kind: 'literal', value: 'by hand' },
      },
      triggerDagRun: { dagId: 'other', waitForCompletion: true, onExisting: 'reset', failedStates: [] },
    });
    expect(handlers.has('plain')).toBe(false);
  });

  test.each([
    ['no dag', {}, 'dag is undefined; give a dag'],
    ['conf that is no object', { dag: 'other', conf: [1] }, 'conf is [ 1 ]; give an object of params'],
    ['a date without an offset', { dag: 'other', logicalDate: '2026-01-01' }, "logicalDate is '2026-01-01'; give an instant"],
    ['a bad run id', { dag: 'other', runId: 'no spaces' }, "runId is 'no spaces'"],
    ['an unknown way with what exists', { dag: 'other', onExisting: 'replace' }, "onExisting is 'replace'; use 'fail', 'reset' or 'skip'"],
    ['an unknown state', { dag: 'other', allowedStates: ['running'] }, "allowedStates is [ 'running' ]"],
    ['a state of both kinds', { dag: 'other', allowedStates: ['failed'], failedStates: ['failed'] }, "both name 'failed'"],
    ['code', { dag: 'other', run }, "'run' is not a field of a task that triggers a dag run"],
  ])('is refused for %s', (_, spec, message) => {
    expect(call('triggerDagRun', spec)).toThrow(message);
  });
});

test('an external-task marker says what depends on it', () => {
  expect(firstTask((d) => d.task('t', externalTaskMarker({ dag: 'report', task: 'wait' })))).toMatchObject({
    operator: 'external_task_marker',
    fields: { dagId: 'report', taskId: 'wait', recursionDepth: 10 },
  });
  expect(() => externalTaskMarker({ dag: 'report', task: 'no spaces' })).toThrow("task is 'no spaces'");
});
