import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DagRunStates, JsonValue, TaskRequest, TaskResponse, TryContext } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  dateTimeSensor,
  dayOfWeekSensor,
  externalTaskSensor,
  fileSensor,
  timeDeltaSensor,
  timeSensor,
  type ExternalTaskSensorOptions,
  type TaskContext,
} from '../../../index.ts';
import { createTaskContext } from '../../../worker/task-context.ts';

const TRY: TryContext = {
  dagId: 'd',
  runId: 'r',
  taskId: 't',
  mapIndex: -1,
  tryNumber: 1,
  maxTries: 1,
  logicalDate: '2026-07-05T12:00:00Z',
  dataIntervalStart: '2026-07-04T12:00:00Z',
  dataIntervalEnd: '2026-07-05T12:00:00Z',
  runAfter: '2026-07-05T12:00:00Z',
  params: {},
  triggeringEvents: [],
};
const NOW = '2026-07-06T09:30:00Z';

/** A context whose operator was told `fields`, and whose environment answers with `answer`. */
function contextOf(
  fields: Record<string, JsonValue> = {},
  tried: Partial<TryContext> = {},
  answer?: (request: TaskRequest) => TaskResponse,
): TaskContext {
  const log = { debug() {}, info() {}, warning() {}, error() {} };
  const ask = (request: TaskRequest): Promise<TaskResponse> =>
    Promise.resolve(answer?.(request) ?? { ok: false, code: 'unavailable', message: 'nobody answers' });
  const { context } = createTaskContext({ ...TRY, ...tried }, { signal: new AbortController().signal, log, outlets: [], ask });
  return Object.defineProperty(context, 'fields', { value: fields });
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(NOW), toFake: ['Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a sensor for time', () => {
  test.each([
    ['2026-07-06T09:30:00Z', true],
    ['2026-07-06T11:30:00+02:00', true],
    ['2026-07-06T09:30:01Z', false],
  ])('waits until %s: %s', (at, isThere) => {
    expect(dateTimeSensor({ at }).poke({}, contextOf({ at }))).toBe(isThere);
  });

  test.each([
    ['09:30', 'UTC', true],
    ['09:31', 'UTC', false],
    ['11:30', 'Europe/Berlin', true],
    ['11:31', 'Europe/Berlin', false],
  ])('waits until it is %s in %s: %s', (at, timezone, isThere) => {
    expect(timeSensor({ at, timezone }).poke({}, contextOf({ at, timezone }))).toBe(isThere);
  });

  test('refuses what is no time of day', () => {
    expect(() => timeSensor({ at: '25:00' })).toThrow("timeSensor(): at is '25:00'; give a time of day, such as '06:30'");
  });

  test('says what is no moment, once its template is rendered', () => {
    expect(() => dateTimeSensor({ at: '{{ ds }}' }).poke({}, contextOf({ at: '2026-07-06' }))).toThrow(
      "at is '2026-07-06', which is no instant",
    );
  });

  test.each([
    ['the end of the data interval', {}, { hours: 21.5 }, true],
    ['the end of the data interval', {}, { hours: 21.6 }, false],
    ['the moment it was due, without one', { dataIntervalEnd: null, runAfter: '2026-07-06T09:00:00Z' }, { minutes: 30 }, true],
    ['the moment it was due, without one', { dataIntervalEnd: null, runAfter: '2026-07-06T09:00:00Z' }, { minutes: 31 }, false],
  ])('counts from %s', (_, tried, delta, isThere) => {
    expect(timeDeltaSensor({ delta }).poke({}, contextOf({}, tried))).toBe(isThere);
  });

  test.each([
    ['today', { weekDay: 'monday' }, true],
    ['another day', { weekDay: 'sunday' }, false],
    ['one of several', { weekDay: ['sunday', 'monday'] }, true],
    ['today elsewhere', { weekDay: 'tuesday', timezone: 'Pacific/Kiritimati' }, false],
    ['the day of the run', { weekDay: 'sunday', useTaskLogicalDate: true }, true],
  ] as const)('knows %s of the week', (_, options, isThere) => {
    expect(dayOfWeekSensor(options).poke({}, contextOf())).toBe(isThere);
  });

  test('cannot look at the day of a run without a logical date', () => {
    expect(() => dayOfWeekSensor({ weekDay: 'monday', useTaskLogicalDate: true }).poke({}, contextOf({}, { logicalDate: null }))).toThrow(
      'the run has no logical date',
    );
  });
});

describe('a file sensor', () => {
  let folder = '';
  const look = (pattern: string) => fileSensor({ path: 'x' }).poke({}, contextOf({ path: path.join(folder, pattern) }));

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tradewind-file-sensor-'));
    mkdirSync(path.join(folder, 'empty/deeper'), { recursive: true });
    mkdirSync(path.join(folder, 'full/deeper'), { recursive: true });
    for (const file of ['b.csv', 'a.csv', 'odd[1].csv', 'full/deeper/c.csv']) writeFileSync(path.join(folder, file), '');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['a file', 'a.csv', 'a.csv'],
    ['a pattern, the first by name', '*.csv', 'a.csv'],
    ['a file whose name has the letters of a pattern', 'odd[1].csv', 'odd[1].csv'],
    ['a folder with a file in it, however deep', 'full', 'full/deeper/c.csv'],
  ])('finds %s', async (_, pattern, found) => {
    expect(await look(pattern)).toEqual({ done: true, value: path.join(folder, found) });
  });

  test.each(['c.csv', '*.txt', 'empty', 'a.csv/below', 'missing/*.csv'])('goes on waiting for %s', async (pattern) => {
    expect(await look(pattern)).toEqual({ done: false });
  });
});

describe('an external-task sensor', () => {
  const DATE = '2026-07-05T12:00:00Z';
  const runOf = (state: string, tasks: Readonly<Record<string, string>> = {}, logicalDate = DATE) => ({
    runId: `r-${logicalDate}`,
    logicalDate,
    state,
    taskInstances: Object.entries(tasks).map(([taskId, one]) => ({ taskId, mapIndex: -1, state: one })),
  });
  const answerWith = (...runs: ReturnType<typeof runOf>[]): TaskResponse => ({ ok: true, value: { runs } as DagRunStates as never });

  const look = async (options: Partial<ExternalTaskSensorOptions>, answer: TaskResponse, tried: Partial<TryContext> = {}) => {
    const requests: TaskRequest[] = [];
    const context = contextOf({}, tried, (request) => {
      requests.push(request);
      return answer;
    });
    return { found: await externalTaskSensor({ dag: 'other', ...options }).poke({}, context), requests };
  };

  test.each<[string, Partial<ExternalTaskSensorOptions>, TaskResponse, boolean]>([
    ['a run that succeeded', {}, answerWith(runOf('success')), true],
    ['a run that goes on', {}, answerWith(runOf('running')), false],
    ['a run that failed, unless that counts', {}, answerWith(runOf('failed')), false],
    ['a run in another state that will do', { allowedStates: ['success', 'failed'] }, answerWith(runOf('failed')), true],
    ['a run that there is not yet', {}, answerWith(), false],
    ['all of its tasks', { tasks: ['a', 'b'] }, answerWith(runOf('running', { a: 'success', b: 'success' })), true],
    ['one of its tasks', { tasks: ['a', 'b'] }, answerWith(runOf('running', { a: 'success', b: 'running' })), false],
    ['a task that the run does not have', { tasks: ['a', 'b'] }, answerWith(runOf('success', { a: 'success' })), false],
    ['a group', { group: 'g' }, answerWith(runOf('running', { 'g.a': 'success' })), true],
    ['a group without task instances yet', { group: 'g' }, answerWith(runOf('running')), false],
    ['a dag that there is not yet', {}, { ok: false, code: 'not_found', message: 'no dag' }, false],
  ])('looks at %s', async (_, options, answer, found) => {
    expect((await look(options, answer)).found).toBe(found);
  });

  test('asks for the own logical date, an earlier one, or those that are computed', async () => {
    const asked = async (options: Partial<ExternalTaskSensorOptions>) => (await look(options, answerWith())).requests[0];
    expect(await asked({ tasks: ['a'] })).toEqual({ kind: 'dag_run_states', dagId: 'other', logicalDates: [DATE], taskIds: ['a'] });
    expect(await asked({ delta: { hours: 1 }, group: 'g' })).toMatchObject({ logicalDates: ['2026-07-05T11:00:00Z'], groupId: 'g' });
    const logicalDates = (date: Temporal.Instant | null) => [date ?? expect.fail(), Temporal.Instant.from('2026-01-01T00:00Z')];
    expect(await asked({ logicalDates })).toMatchObject({ logicalDates: [DATE, '2026-01-01T00:00:00Z'] });
  });

  test('waits for every date', async () => {
    const logicalDates = () => [Temporal.Instant.from(DATE), Temporal.Instant.from('2026-01-01T00:00Z')];
    expect((await look({ logicalDates }, answerWith(runOf('success')))).found).toBe(false);
    expect((await look({ logicalDates }, answerWith(runOf('success'), runOf('success', {}, '2026-01-01T00:00:00Z')))).found).toBe(true);
  });

  test.each<[string, Partial<ExternalTaskSensorOptions>, TaskResponse, string]>([
    ['fails at a state that fails', { failedStates: ['failed'] }, answerWith(runOf('failed')), 'the run of dag "other" is failed'],
    [
      'skips at a state that skips',
      { tasks: ['a'], skippedStates: ['skipped'] },
      answerWith(runOf('success', { a: 'skipped' })),
      'is skipped',
    ],
    ['fails where there must be such a dag', { checkExistence: true }, { ok: false, code: 'not_found', message: 'no dag' }, 'no dag'],
    ['fails where the environment does not answer', {}, { ok: false, code: 'unavailable', message: 'later' }, 'later'],
    ['refuses dates that are none', { logicalDates: () => [] }, answerWith(), 'logicalDates returned no date'],
  ])('%s', async (_, options, answer, message) => {
    await expect(look(options, answer)).rejects.toThrow(message);
  });

  test('cannot look for the logical date of a run that has none', async () => {
    await expect(look({}, answerWith(), { logicalDate: null })).rejects.toThrow('the run has no logical date to look for; say which');
  });

  test('asks inside of a run alone', async () => {
    await expect(
      externalTaskSensor({ dag: 'other' }).poke({}, { logicalDate: Temporal.Instant.from(DATE) } as TaskContext),
    ).rejects.toThrow('can only be asked for inside of a run');
  });
});
