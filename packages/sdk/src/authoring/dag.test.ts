import { describe, expect, test } from 'vitest';
import { asset, bash, dag, DefinitionError, empty, isDagDefinition, type DagBuilder } from '../index.ts';
import { timetable } from './timetable.ts';

const run = (): number => 1;
const orders = asset('orders');

/** Calls `dag` as JavaScript would: with anything. */
const define = dag as unknown as (...args: readonly unknown[]) => ReturnType<typeof dag>;
/** A dag of one task that is given anything. */
const defineTask = (spec: unknown, taskId: unknown = 'load') =>
  define('orders', (d: { task: (id: unknown, spec: unknown) => unknown }) => {
    d.task(taskId, spec);
  });

describe('dag', () => {
  test('runs its callback once, and none of its tasks’ code', () => {
    let calls = 0;
    const ran: string[] = [];
    dag('orders', (d) => {
      calls += 1;
      d.task('extract', { run: () => void ran.push('extract') });
    });
    expect(calls).toBe(1);
    expect(ran).toEqual([]);
  });

  test('returns a definition: data, and a handler for each task', () => {
    const handler = (): number => 42;
    const definition = dag('orders', (d) => {
      d.task('extract', { run: handler });
    });
    expect(isDagDefinition(definition)).toBe(true);
    expect(definition.dagId).toBe('orders');
    expect(definition.serialized.tasks.map(({ taskId }) => taskId)).toEqual(['extract']);
    expect(definition.handlers.get('extract')).toBe(handler);
  });

  test('freezes what it returns, all the way down', () => {
    const definition = dag('orders', { params: { region: { type: 'string', default: 'eu' } } }, (d) => {
      d.task('extract', { inputs: { files: ['a', 'b'] }, run });
    });
    expect(Object.isFrozen(definition)).toBe(true);
    const pending: unknown[] = [definition.serialized];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (typeof next !== 'object' || next === null) continue;
      expect(Object.isFrozen(next)).toBe(true);
      pending.push(...(Object.values(next) as unknown[]));
    }
  });

  test('leaves the author’s own objects alone', () => {
    const options = { tags: ['a'], params: { region: { type: 'string', default: 'eu' } } } as const;
    const files = ['a'];
    dag('orders', options, (d) => {
      d.task('extract', { inputs: { files }, run });
    });
    files.push('b');
    expect(files).toEqual(['a', 'b']);
    expect(Object.isFrozen(options.params.region)).toBe(false);
  });

  test('draws an edge with a value for each input, and without one for each of after', () => {
    const { serialized } = dag('orders', (d) => {
      const rows = d.task('extract', { run: () => [1] });
      const check = d.task('check', { after: [rows], run });
      d.task('load', { inputs: { rows, header: true }, after: [check, rows], run });
    });
    expect(serialized.tasks[1]).toMatchObject({ inputs: {}, upstream: ['extract'] });
    expect(serialized.tasks[2]).toMatchObject({
      inputs: { rows: { kind: 'xcom', taskId: 'extract' }, header: { kind: 'literal', value: true } },
      upstream: ['extract', 'check'],
    });
  });

  test('takes a task’s own options before taskDefaults, and those before Airflow’s defaults', () => {
    const { serialized } = dag(
      'orders',
      { taskDefaults: { retries: 3, retryDelay: { seconds: 10 }, executionTimeout: { hours: 1 }, isolation: 'process' } },
      (d) => {
        d.task('defaults', { run });
        d.task('own', { retries: 0, retryDelay: { minutes: 1, seconds: 30 }, executionTimeout: { minutes: 2 }, isolation: 'warm', run });
      },
    );
    expect(serialized.tasks).toMatchObject([
      { retries: 3, retryDelayMs: 10_000, executionTimeoutMs: 3_600_000, isolation: 'process' },
      { retries: 0, retryDelayMs: 90_000, executionTimeoutMs: 120_000, isolation: 'warm' },
    ]);
    const plain = dag('orders', (d) => {
      d.task('plain', { run });
    });
    expect(plain.serialized.tasks[0]).toMatchObject({ retries: 0, retryDelayMs: 300_000, isolation: 'warm', triggerRule: 'all_success' });
  });

  test('knows which operator made a task', () => {
    const { serialized } = dag('orders', (d) => {
      d.task('function', { run });
      d.task('bash', { ...bash({ command: 'true' }), retries: 5 });
      d.task('empty', { ...empty() });
      d.task('own', { operator: 'http_get', run });
    });
    expect(serialized.tasks.map(({ operator }) => operator)).toEqual(['function', 'bash', 'empty', 'http_get']);
    expect(serialized.tasks[1]?.retries).toBe(5);
  });
});

describe('a schedule', () => {
  test.each([
    ['nothing', undefined, { kind: 'none' }],
    ['null', null, { kind: 'none' }],
    ['cron text', ' 30  6 * * MON-FRI ', { kind: 'cron', expression: '30 6 * * MON-FRI', timezone: 'Europe/Paris' }],
    ['@hourly', '@hourly', { kind: 'cron', expression: '0 * * * *', timezone: 'Europe/Paris' }],
    ['@daily', '@daily', { kind: 'cron', expression: '0 0 * * *', timezone: 'Europe/Paris' }],
    ['@weekly', '@weekly', { kind: 'cron', expression: '0 0 * * 0', timezone: 'Europe/Paris' }],
    ['@monthly', '@monthly', { kind: 'cron', expression: '0 0 1 * *', timezone: 'Europe/Paris' }],
    ['@quarterly', '@quarterly', { kind: 'cron', expression: '0 0 1 */3 *', timezone: 'Europe/Paris' }],
    ['@yearly', '@yearly', { kind: 'cron', expression: '0 0 1 1 *', timezone: 'Europe/Paris' }],
    ['cron in the dag’s timezone', { cron: '@daily' }, { kind: 'cron', expression: '0 0 * * *', timezone: 'Europe/Paris' }],
    ['cron in its own', { cron: '@daily', timezone: 'Asia/Tokyo' }, { kind: 'cron', expression: '0 0 * * *', timezone: 'Asia/Tokyo' }],
    ['an asset', orders, { kind: 'asset', any: ['orders'] }],
    ['any of assets', { any: [orders, asset('customers'), orders] }, { kind: 'asset', any: ['orders', 'customers'] }],
  ])('can be %s', (_, schedule, serialized) => {
    expect(define('d', { schedule, timezone: 'Europe/Paris' }, () => {}).serialized.schedule).toEqual(serialized);
  });

  test('of the author’s own keeps its code beside the data', () => {
    const tides = timetable({ summary: 'at high tide', next: () => null });
    const { serialized, timetable: code } = dag('d', { schedule: tides }, () => {});
    expect(serialized.schedule).toEqual({ kind: 'custom', summary: 'at high tide' });
    expect(code).toBe(tides.code);
  });

  test('@continuous has one run at a time', () => {
    expect(dag('d', { schedule: '@continuous' }, () => {}).serialized.maxActiveRuns).toBe(1);
  });

  test('brings its assets into the dag', () => {
    const watched = asset('customers', { watchers: [{ transport: 'sqs', queue: 'customers' }] });
    expect(dag('d', { schedule: watched }, () => {}).serialized.assets).toEqual([
      {
        name: 'customers',
        uri: 'customers',
        group: 'asset',
        eventType: 'customers.completed',
        watchers: [{ transport: 'sqs', queue: 'customers' }],
      },
    ]);
  });
});

describe('a date', () => {
  test.each([
    ['a date, at midnight in the dag’s timezone', '2026-07-01', '2026-06-30T22:00:00Z'],
    ['a local time', '2026-07-01T06:30', '2026-07-01T04:30:00Z'],
    ['an instant', '2026-07-01T06:30:00Z', '2026-07-01T06:30:00Z'],
    ['a time with an offset', '2026-07-01T06:30+09:00', '2026-06-30T21:30:00Z'],
    ['a Temporal.Instant', Temporal.Instant.from('2026-07-01T06:30:00Z'), '2026-07-01T06:30:00Z'],
  ])('can be %s', (_, startDate, serialized) => {
    expect(dag('d', { startDate, timezone: 'Europe/Paris' }, () => {}).serialized.startDate).toBe(serialized);
  });
});

describe('a dag is refused', () => {
  test.each([
    ['a bad id', ['no spaces'], 'dag "no spaces": a dag id is 1 to 250 letters'],
    ['no id', [undefined], 'a dag id is 1 to 250 letters'],
    ['no callback', ['d', {}], 'dag "d": the callback of dag() must be a function (d) => { … } and not {}'],
    ['options that are no object', ['d', null, () => {}], 'dag "d": the options of dag() must be an object and not null'],
    ['an unknown option', ['d', { shedule: null }, () => {}], "'shedule' is not a field of the options of dag(); did you mean 'schedule'?"],
    ['an option like none', ['d', { colour: 1 }, () => {}], "'colour' is not a field of the options of dag(); known are 'schedule', "],
    ['an unknown preset', ['d', { schedule: '@dayly' }, () => {}], "schedule is '@dayly', which is no preset; did you mean '@daily'?"],
    ['a preset like none', ['d', { schedule: '@noon' }, () => {}], "which is no preset; the presets are '@hourly'"],
    ['cron of seven fields', ['d', { schedule: '0 0 0 * * * 2026' }, () => {}], 'cron text has five fields'],
    [
      'several runs at once of one that is continuous',
      ['d', { schedule: '@continuous', maxActiveRuns: 2 }, () => {}],
      'has one run at a time',
    ],
    ['cron of other letters', ['d', { schedule: '0 0 * * $(id)' }, () => {}], "'$(id)' is not a cron field"],
    ['a field of cron that is not known', ['d', { schedule: { cron: '@daily', timezon: 'UTC' } }, () => {}], "did you mean 'timezone'?"],
    ['a schedule of no kind', ['d', { schedule: 5 }, () => {}], 'schedule is 5; use null, cron text'],
    ['no asset in any', ['d', { schedule: { any: [] } }, () => {}], 'schedule.any is []; list at least one asset'],
    ['the name of an asset', ['d', { schedule: { any: ['orders'] } }, () => {}], "schedule.any[0] is 'orders'; list assets"],
    ['an unknown timezone', ['d', { timezone: 'Europe/Atlantis' }, () => {}], "timezone is 'Europe/Atlantis'; use an IANA name"],
    ['a time as timezone', ['d', { timezone: '2020-01-01T00:00[Europe/Paris]' }, () => {}], 'use an IANA name'],
    [
      'the timezone of a schedule',
      ['d', { schedule: { cron: '@daily', timezone: 5 } }, () => {}],
      'schedule.timezone is 5; use an IANA name',
    ],
    ['a bad date', ['d', { startDate: '2026-02-30' }, () => {}], "startDate is '2026-02-30'; use a date such as"],
    ['a Date', ['d', { endDate: new Date(0) }, () => {}], 'endDate is 1970-01-01T00:00:00.000Z; use a date such as'],
    ['an end before the start', ['d', { startDate: '2026-02-01', endDate: '2026-01-01' }, () => {}], 'is before startDate'],
    ['a limit of none', ['d', { maxActiveRuns: 0 }, () => {}], 'maxActiveRuns is 0; give a whole number from 1 to 1000000'],
    ['half a limit', ['d', { maxActiveTasks: 1.5 }, () => {}], 'maxActiveTasks is 1.5'],
    ['text for a boolean', ['d', { catchup: 'no' }, () => {}], "catchup is 'no'; give true or false"],
    ['a number for text', ['d', { description: 1 }, () => {}], 'description must be a text and not 1'],
    ['a name that is too long', ['d', { displayName: 'x'.repeat(251) }, () => {}], 'displayName has 251 characters; at most 250 are kept'],
    ['a blank tag', ['d', { tags: ['a', ' '] }, () => {}], "' ' cannot be a tag"],
    [
      'too many tags',
      ['d', { tags: Array.from({ length: 101 }, (_, index) => String(index)) }, () => {}],
      'there are 101 tags; at most 100 are kept',
    ],
    [
      'a default that is no task default',
      ['d', { taskDefaults: { triggerRule: 'all_done' } }, () => {}],
      'dag "d", taskDefaults: \'triggerRule\' is not',
    ],
    ['a bad task default', ['d', { taskDefaults: { retries: -1 } }, () => {}], 'dag "d", taskDefaults: retries is -1'],
    [
      'a scheduled dag whose param has no default',
      ['d', { schedule: '@daily', params: { region: { type: 'string' } } }, () => {}],
      'params.region has no default, and a scheduled run is given no params',
    ],
  ])('for %s', (_, args, message) => {
    expect(() => define(...args)).toThrow(DefinitionError);
    expect(() => define(...args)).toThrow(message);
  });

  test('not for a param without default where events start it, because they bring its value', () => {
    expect(() => dag('d', { schedule: orders, params: { total: { type: 'integer' } } }, () => {})).not.toThrow();
  });

  test('where its callback is async', () => {
    expect(() => define('d', async () => {})).toThrow('dag "d": the callback of dag() is async');
    expect(() => define('d', () => Promise.reject(new Error('late')))).toThrow('dag "d": the callback of dag() is async');
  });

  test('where it is edited after its callback has returned', () => {
    let kept: DagBuilder<{}, never> | undefined;
    dag('d', (d) => {
      kept = d;
    });
    expect(() => kept?.task('late', { run })).toThrow('dag "d", task "late": it was added after the callback of dag() had returned');
  });

  test('where two different assets have one name', () => {
    expect(() =>
      dag('d', { schedule: asset('orders', { uri: 's3://a' }) }, (d) => {
        d.task('t', { outlets: [asset('orders', { uri: 's3://b' })], run });
      }),
    ).toThrow('dag "d": two different assets are named "orders"');
  });
});

test('tasks that wait for each other by way of one id are refused, however they came to', () => {
  const trick = (): unknown =>
    dag('d', (d) => {
      d.task('a', {
        get after() {
          return [d.task('b', { after: [d.task('a', { run })], run })];
        },
        run,
      });
    });
  expect(trick).toThrow('dag "d": two tasks have one id');
});

describe('a task is refused', () => {
  test.each([
    ['an id with a space', { run }, 'no spaces', 'dag "orders", task "no spaces": a task id is 1 to 250 letters'],
    ['an id with a dot', { run }, 'a.b', "a dot in a task id is reserved for groups; write 'a_b'"],
    ['no id', { run }, null, 'a task id is 1 to 250 letters'],
    ['no spec', undefined, 'load', 'a task must be an object and not undefined'],
    ['a function as spec', run, 'load', 'a task must be an object and not [Function: run]'],
    ['no code', { retries: 1 }, 'load', 'run must be a function of (inputs, context) and not undefined'],
    ['an unknown field', { run, retry: 3 }, 'load', "'retry' is not a field of a task; did you mean 'retries'?"],
    ['retries below 0', { run, retries: -1 }, 'load', 'retries is -1; give a whole number from 0 to 10000'],
    ['a number as duration', { run, retryDelay: 5 }, 'load', 'retryDelay is 5; name milliseconds, seconds, minutes'],
    ['a duration of no unit', { run, retryDelay: {} }, 'load', 'retryDelay is {}'],
    ['a duration of a wrong unit', { run, executionTimeout: { minute: 5 } }, 'load', 'executionTimeout is { minute: 5 }'],
    ['a duration below 0', { run, retryDelay: { seconds: -1 } }, 'load', 'retryDelay is { seconds: -1 }'],
    ['a timeout of no time', { run, executionTimeout: { seconds: 0 } }, 'load', 'executionTimeout is no time at all'],
    ['a wrong trigger rule', { run, triggerRule: 'all_sucess' }, 'load', "triggerRule is 'all_sucess'; did you mean 'all_success'?"],
    ['a trigger rule like none', { run, triggerRule: 5 }, 'load', "triggerRule is 5; use 'all_success', "],
    ['a wrong isolation', { run, isolation: 'none' }, 'load', "isolation is 'none'; use 'warm' or 'process'"],
    ['the name of an outlet', { run, outlets: ['orders'] }, 'load', "outlets[0] is 'orders'; list assets"],
    ['an outlet that is no list', { run, outlets: orders }, 'load', 'outlets must be a list of assets'],
    ['inputs that are no object', { run, inputs: ['a'] }, 'load', "inputs must be an object, such as { rows }, and not [ 'a' ]"],
    ['an input with a bad name', { run, inputs: { 'a-b': 1 } }, 'load', "'a-b' cannot name an input"],
    ['an undefined input', { run, inputs: { a: undefined } }, 'load', 'inputs.a is undefined; use null'],
    ['a literal that is not JSON', { run, inputs: { a: { at: [new Date(0)] } } }, 'load', 'inputs.a.at[0] is an instance of Date'],
    ['a function as input', { run, inputs: { a: run } }, 'load', 'inputs.a is a function; only data can be passed on'],
    ['a text in after', { run, after: ['extract'] }, 'load', "after[0] is 'extract'; list what d.task() or d.group() returned"],
    [
      'a look-alike in after',
      { run, after: [{ dagId: 'orders', taskId: 'extract' }] },
      'load',
      "after[0] is { dagId: 'orders', taskId: 'extract' }; list",
    ],
    ['after that is no list', { run, after: 'extract' }, 'load', 'after must be a list of tasks'],
    ['code on an empty task', { ...empty(), run }, 'load', 'run is set on an empty task, which never runs code'],
    ['outlets on an empty task', { ...empty(), outlets: [orders] }, 'load', 'outlets are set on an empty task'],
    ['a blank operator', { run, operator: '' }, 'load', 'operator is blank'],
  ])('for %s', (_, spec, taskId, message) => {
    expect(() => defineTask(spec, taskId)).toThrow(DefinitionError);
    expect(() => defineTask(spec, taskId)).toThrow(message);
  });

  test('for the id of another one', () => {
    expect(() =>
      dag('d', (d) => {
        d.task('load', { run });
        d.task('load', { run });
      }),
    ).toThrow('dag "d", task "load": the dag already has a task of this id');
  });

  test('for a ref inside a literal, naming its path', () => {
    const hide = (wrap: (ref: unknown) => unknown) => () =>
      dag('d', (d) => {
        const extract = d.task('extract', { run });
        (d as unknown as DagBuilder<unknown, unknown>).task('load', { inputs: { rows: wrap(extract) as never }, run });
      });
    expect(hide((ref) => [1, ref])).toThrow('dag "d", task "load": inputs.rows[1] is the ref of task "extract"');
    expect(hide((ref) => ({ deep: [{ ref }] }))).toThrow('inputs.rows.deep[0].ref is the ref of task "extract"');
  });

  test('for a ref as inputs', () => {
    expect(() =>
      dag('d', (d) => {
        const extract = d.task('extract', { run });
        d.task('load', { inputs: extract as never, run });
      }),
    ).toThrow('inputs must be an object, such as { rows }');
  });

  test('for a ref of another dag', () => {
    let foreign: unknown;
    dag('other', (d) => {
      foreign = d.task('extract', { run });
    });
    expect(() => defineTask({ run, inputs: { rows: foreign } })).toThrow(
      'dag "orders", task "load": inputs.rows is task "extract" of dag "other"; only tasks of the same dag can be named',
    );
    expect(() => defineTask({ run, after: [foreign] })).toThrow('after[0] is task "extract" of dag "other"');
  });

  test('for a ref of another dag whose task has the id of one of its own', () => {
    let foreign: unknown;
    dag('other', (d) => {
      foreign = d.task('extract', { run });
    });
    const mixUp = (): unknown =>
      dag('orders', (d) => {
        d.task('extract', { run });
        d.task('load', { after: [foreign as never], run });
      });
    expect(mixUp).toThrow('after[0] is task "extract" of dag "other"');
  });

  test('for a ref of an earlier definition of the same dag', () => {
    let foreign: unknown;
    dag('orders', (d) => {
      foreign = d.task('extract', { run });
    });
    expect(() => defineTask({ run, after: [foreign] })).toThrow('is task "extract" of another definition of this dag');
  });
});

describe('a ref', () => {
  test('is refused as text and as JSON, because it is not the value', () => {
    dag('d', (d) => {
      const rows: unknown = d.task('extract', { run });
      expect(() => `echo ${rows as string}`).toThrow('the ref of task "extract" was used as if it were the value');
      expect(() => JSON.stringify({ rows })).toThrow('name it in inputs');
    });
  });
});
