import { readFile } from 'node:fs/promises';
import {
  asset,
  dag,
  dateTimeSensor,
  dayOfWeekSensor,
  deadline,
  defer,
  deferFor,
  timeDeltaSensor,
  timeSensor,
  timetable,
  trigger,
  type Dag,
} from '@tradewind/sdk';
import { describe, expect, test } from 'vitest';
import { testEnvironment, type TestedRun } from './index.ts';

const START = '2026-01-01T00:00Z';

/** What a run comes to, short enough to be compared. */
function summary({ logicalDate, state, tasks }: TestedRun): string {
  const states = Object.entries(tasks).map(([taskId, { state, tries }]) => `${taskId} ${state} ${tries}`);
  return `${String(logicalDate)} ${state}: ${states.join(', ')}`;
}

function hourly(define: Parameters<typeof dag>[2]): Dag {
  return dag('orders', { schedule: '@hourly', startDate: '2026-01-01T01:00Z' }, define);
}

describe('a year', () => {
  test('of a daily dag takes place with its retries, and the one deadline that it misses', async () => {
    const told: string[] = [];
    const orders = dag(
      'orders',
      {
        schedule: '@daily',
        startDate: '2026-01-02T00:00Z',
        deadlines: [
          {
            name: 'two hours',
            reference: deadline.queuedAt(),
            interval: { hours: 2 },
            callback: ({ runId }) => void told.push(`${String(env.clock.now())} ${runId}`),
          },
        ],
      },
      (d) => {
        const rows = d.task('extract', { run: () => [1, 2, 3] });
        const total = d.task('total', {
          inputs: { rows },
          retries: 2,
          retryDelay: { minutes: 10 },
          run({ rows }, { tryNumber }) {
            if (tryNumber === 1) throw new Error('flaky');
            return rows.reduce((sum, row) => sum + row, 0);
          },
        });
        d.task('load', {
          inputs: { total },
          retries: 3,
          retryDelay: { hours: 1 },
          run({ total }, { logicalDate, tryNumber }) {
            if (String(logicalDate) === '2026-03-01T00:00:00Z' && tryNumber < 4) throw new Error('down');
            return total;
          },
        });
      },
    );
    const env = await testEnvironment({ now: START, dags: [orders] });
    await env.clock.advance({ days: 365, minutes: 10 });
    const runs = await env.runs(orders);
    expect(runs).toHaveLength(365);
    expect(runs.map(({ state }) => state)).toEqual(runs.map(() => 'success'));
    expect(runs.filter(({ tasks }) => tasks['total']?.tries === 2 && tasks['load']?.tries === 1)).toHaveLength(364);
    expect(runs.at(-1)).toMatchObject({ runId: 'scheduled__2027-01-01T00:00:00+00:00', tasks: { load: { value: 6 } } });
    expect(await env.missedDeadlines()).toMatchObject([
      { dagId: 'orders', runId: 'scheduled__2026-03-01T00:00:00+00:00', name: 'two hours' },
    ]);
    expect(told).toEqual(['2026-03-01T02:00:00Z scheduled__2026-03-01T00:00:00+00:00']);
    await env.close();
  });

  test('is the same each time', async () => {
    const flaky = hourly((d) => {
      const rows = d.task('extract', {
        retries: 3,
        run: (_, { tryNumber, runId }) => (tryNumber === 1 ? Promise.reject(new Error('no')) : runId),
      });
      d.task('load', { inputs: { rows }, run: ({ rows }) => rows });
    });
    const read = async (): Promise<string> => {
      await using env = await testEnvironment({ now: START, dags: [flaky] });
      await env.clock.advance({ days: 2 });
      await env.trigger(flaky);
      return JSON.stringify([await env.runs(flaky), env.log]);
    };
    expect(await read()).toBe(await read());
  });

  test('leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const orders = hourly((d) => void d.task('read', { run: () => readFile(import.meta.filename, 'utf8') }));
    const env = await testEnvironment({ now: START, dags: [orders] });
    await env.clock.advance({ hours: 3 });
    expect(timers()).toBeLessThanOrEqual(before);
    await env.close();
  });
});

describe('virtual time', () => {
  test('passes between the tries of a task as long as its retry delay says', async () => {
    const flaky = hourly(
      (d) =>
        void d.task('load', {
          retries: 1,
          retryDelay: { minutes: 7 },
          run: (_, { tryNumber }) => (tryNumber === 1 ? Promise.reject(new Error('no')) : 'yes'),
        }),
    );
    await using env = await testEnvironment({ now: '2026-01-01T00:30Z', dags: [flaky] });
    await env.clock.advanceTo('2026-01-01T01:06:59Z');
    expect((await env.runs(flaky)).map(summary)).toEqual(['2026-01-01T01:00:00Z running: load up_for_retry 1']);
    await env.clock.advance({ seconds: 1 });
    const [run] = await env.runs(flaky);
    expect([run?.state, run?.task('load').tries, String(run?.task('load').startedAt)]).toEqual(['success', 2, '2026-01-01T01:07:00Z']);
  });

  test('passes for a task that sleeps, up to its execution timeout', async () => {
    const slow = dag('slow', {}, (d) => {
      d.task('short', { run: () => env.clock.sleep({ hours: 3 }) });
      d.task('long', { executionTimeout: { hours: 1 }, run: () => env.clock.sleep({ hours: 3 }) });
    });
    const env = await testEnvironment({ now: START, dags: [slow] });
    await env.trigger(slow);
    expect((await env.runs(slow)).map(summary)).toEqual(['null running: short running 1, long running 1']);
    await env.clock.advance({ hours: 3 });
    const [run] = await env.runs(slow);
    expect([run?.task('short').state, String(run?.task('short').startedAt), String(run?.task('short').endedAt)]).toEqual([
      'success',
      '2026-01-01T00:00:00Z',
      '2026-01-01T03:00:00Z',
    ]);
    expect(run?.task('long')).toMatchObject({
      state: 'failed',
      error: { kind: 'timeout', message: 'the task took longer than its executionTimeout of 3600 s' },
    });
    expect(String(run?.task('long').endedAt)).toBe('2026-01-01T01:00:00Z');
    await env.close();
  });

  test.each(['poke', 'reschedule'] as const)('passes for a sensor in the mode %s until it finds something', async (mode) => {
    let isThere = false;
    const waiting = dag('waiting', {}, (d) => {
      d.sensor('look', { mode, pokeInterval: { minutes: 5 }, timeout: { hours: 2 }, poke: () => isThere });
    });
    await using env = await testEnvironment({ now: START, dags: [waiting] });
    await env.trigger(waiting);
    await env.clock.advance({ minutes: 12 });
    isThere = true;
    await env.clock.advance({ hours: 1 });
    const [run] = await env.runs(waiting);
    expect([run?.state, String(run?.task('look').endedAt)]).toEqual(['success', '2026-01-01T00:15:00Z']);
  });

  test('passes for a sensor that finds nothing until its timeout', async () => {
    const waiting = dag(
      'waiting',
      {},
      (d) => void d.sensor('look', { pokeInterval: { minutes: 5 }, timeout: { hours: 2 }, poke: () => false }),
    );
    await using env = await testEnvironment({ now: START, dags: [waiting] });
    await env.trigger(waiting);
    await env.clock.advance({ days: 1 });
    const [run] = await env.runs(waiting);
    expect([run?.state, String(run?.task('look').endedAt)]).toEqual(['failed', '2026-01-01T02:00:00Z']);
  });

  test('is what the sensors of the sdk look at', async () => {
    const waiting = dag('waiting', {}, (d) => {
      d.sensor('delta', { ...timeDeltaSensor({ delta: { hours: 2 } }), pokeInterval: { minutes: 5 } });
      d.sensor('moment', { ...dateTimeSensor({ at: '2026-01-01T03:00Z' }), pokeInterval: { minutes: 5 }, mode: 'reschedule' });
      d.sensor('time', { ...timeSensor({ at: '04:00' }), pokeInterval: { minutes: 5 } });
      d.sensor('day', { ...dayOfWeekSensor({ weekDay: 'friday' }), pokeInterval: { hours: 1 } });
    });
    await using env = await testEnvironment({ now: START, dags: [waiting] });
    await env.trigger(waiting);
    await env.clock.advance({ days: 2 });
    const [run] = await env.runs(waiting);
    const ends = ['delta', 'moment', 'time', 'day'].map((taskId) => String(run?.task(taskId).endedAt));
    expect(ends).toEqual(['2026-01-01T02:00:00Z', '2026-01-01T03:00:00Z', '2026-01-01T04:00:00Z', '2026-01-02T00:00:00Z']);
  });

  test('passes for a task that is deferred', async () => {
    const waiting = dag('waiting', {}, (d) => void d.task('pause', { run: () => deferFor({ days: 3 }), resume: () => 'rested' }));
    await using env = await testEnvironment({ now: START, dags: [waiting] });
    await env.trigger(waiting);
    await env.clock.advance({ days: 4 });
    const [run] = await env.runs(waiting);
    expect([run?.task('pause').value, String(run?.endedAt)]).toEqual(['rested', '2026-01-04T00:00:00Z']);
  });

  test('does not pass while code is working, and what ends is handed over in the order in which it began', async () => {
    const ended: string[] = [];
    const wide = dag('wide', {}, (d) => {
      const slow = d.task('slow', {
        async run() {
          for (let turn = 0; turn < 50; turn += 1) await readFile(import.meta.filename, 'utf8');
        },
      });
      const fast = d.task('fast', { run: () => 1 });
      d.task('after_slow', { inputs: { slow }, run: () => void ended.push('after_slow') });
      d.task('after_fast', { inputs: { fast }, run: () => void ended.push('after_fast') });
    });
    await using env = await testEnvironment({ now: START, dags: [wide] });
    await env.trigger(wide);
    expect(ended).toEqual(['after_slow', 'after_fast']);
    const [run] = await env.runs(wide);
    expect([run?.state, String(run?.endedAt)]).toEqual(['success', '2026-01-01T00:00:00Z']);
  });
});

describe('a test environment', () => {
  const batchJob = trigger('batch_job', {
    run({ id }: { readonly id: number }): { readonly rows: number } {
      throw new Error(`nobody asks for ${id}`);
    },
  });
  const deferred = dag('deferred', {}, (d) => {
    d.task('submit', { triggers: [batchJob], run: () => defer(batchJob, { args: { id: 7 } }), resume: ({ rows }) => rows });
  });

  test('lets triggers come to what the test says, when it says so', async () => {
    const env = await testEnvironment({
      now: START,
      dags: [deferred],
      triggers: {
        batch_job: async (args) => {
          await env.clock.sleep({ hours: 5 });
          return { rows: (args as { id: number }).id * 6 };
        },
      },
    });
    await env.trigger(deferred);
    expect((await env.runs(deferred)).map(summary)).toEqual(['null running: submit deferred 1']);
    await env.clock.advance({ hours: 5 });
    const [run] = await env.runs(deferred);
    expect([run?.task('submit').value, String(run?.endedAt)]).toEqual([42, '2026-01-01T05:00:00Z']);
    await env.close();
  });

  test('says so where it does not know what a trigger comes to', async () => {
    await using env = await testEnvironment({ now: START, dags: [deferred] });
    await expect(env.trigger(deferred)).rejects.toThrow(
      'waits for the trigger "batch_job"; say what happens: triggers: { batch_job: event }',
    );
  });

  test('starts a run with params and a logical date', async () => {
    const report = dag('report', { params: { region: { type: 'string', default: 'eu' } } }, (d) => {
      d.task('show', { run: (_, { params, logicalDate }) => `${params.region} ${String(logicalDate)}` });
    });
    await using env = await testEnvironment({ now: START, dags: [report] });
    const runId = await env.trigger(report, { params: { region: 'us' }, logicalDate: '2025-06-01T00:00Z', runId: 'mine' });
    expect([runId, (await env.runs('report'))[0]?.task('show').value]).toEqual(['mine', 'us 2025-06-01T00:00:00Z']);
    await expect(env.trigger(report, { params: { region: 7 as never } })).rejects.toThrow('The conf does not fit the params');
  });

  test('starts what is scheduled on an asset, by the test and by a task', async () => {
    const raw = asset<{ day: string }>('raw');
    const clean = asset<{ day: string }>('clean');
    const params = { day: { type: 'string' } } as const;
    const cleaning = dag('cleaning', { schedule: raw, params }, (d) => {
      d.task('clean', { outlets: [clean], run: (_, { params, emit }) => emit(clean, { day: params.day }) });
    });
    const loading = dag('loading', { schedule: clean, params }, (d) => void d.task('load', { run: (_, { params }) => params.day }));
    await using env = await testEnvironment({ now: START, dags: [cleaning, loading] });
    await env.emit(raw, { day: 'monday' });
    expect((await env.runs(loading)).map((run) => [run.runType, run.task('load').value])).toEqual([['asset_triggered', 'monday']]);
    await expect(env.emit(asset('other'), {})).rejects.toThrow('no dag of the environment uses the asset "other"');
    await expect(env.emit(raw, { day: 7 as never })).rejects.toThrow('starts no run of dag "cleaning"');
  });

  test('has the variables, connections and pools that it is given', async () => {
    const greedy = dag('greedy', {}, (d) => {
      for (const taskId of ['one', 'two']) {
        d.task(taskId, {
          pool: 'narrow',
          variables: ['region'],
          connections: ['warehouse'],
          async run(_, context) {
            await env.clock.sleep({ hours: 1 });
            return `${await context.variable('region')} ${(await context.connection('warehouse')).host}`;
          },
        });
      }
    });
    const env = await testEnvironment({
      now: START,
      dags: [greedy],
      variables: { region: 'eu' },
      connections: { warehouse: { connType: 'postgres', host: 'db' } },
      pools: { narrow: 1 },
    });
    await env.trigger(greedy);
    await env.clock.advance({ hours: 2 });
    const [run] = await env.runs(greedy);
    expect([run?.task('one').value, run?.task('two').value, String(run?.endedAt)]).toEqual(['eu db', 'eu db', '2026-01-01T02:00:00Z']);
    await env.close();
  });

  test('takes fakes in place of the code of tasks', async () => {
    const orders = hourly((d) => {
      const rows = d.task('extract', {
        run: (): number[] => {
          throw new Error('no network in tests');
        },
      });
      const found = d.sensor('look', { after: [rows], poke: () => false });
      d.task('load', { inputs: { rows, found }, run: ({ rows }) => rows.length });
    });
    const fakes = { orders: { extract: () => [1, 2], look: 'a.csv' } };
    await using env = await testEnvironment({ now: START, dags: [orders], fakes });
    await env.clock.advance({ hours: 1 });
    expect((await env.runs(orders)).map((run) => run.tasks['load']?.value)).toEqual([2]);
  });

  test('follows a timetable in code for as long as time passes', async () => {
    const own = dag(
      'own',
      { schedule: timetable({ summary: 'every 36 hours', next: (last, { now }) => (last?.runAfter ?? now).add({ hours: 36 }) }) },
      (d) => void d.task('only', { run: () => null }),
    );
    await using env = await testEnvironment({ now: START, dags: [own] });
    await env.clock.advance({ days: 365 });
    const runs = await env.runs(own);
    expect([runs.length, String(runs[0]?.logicalDate), String(runs.at(-1)?.logicalDate)]).toEqual([
      243,
      '2026-01-02T12:00:00Z',
      '2026-12-31T12:00:00Z',
    ]);
  });

  test('runs dags that are paused upon creation, and keeps what their code logs', async () => {
    const paused = dag(
      'paused',
      { isPausedUponCreation: true, schedule: '@hourly', startDate: START },
      (d) => void d.task('only', { run: (_, { log }) => log.info('here', { a: 1 }) }),
    );
    await using env = await testEnvironment({ now: START, dags: [paused] });
    expect(env.log).toEqual([]);
    await env.clock.advance({ minutes: 0 });
    expect(env.log).toMatchObject([
      { logger: 'task', level: 'info', event: 'here', fields: { a: 1, dagId: 'paused', taskId: 'only', tryNumber: 1 } },
    ]);
  });

  test('says what of its options cannot be used', async () => {
    const orders = hourly((d) => void d.task('load', { run: () => null }));
    const start = (options: object) => testEnvironment({ now: START, dags: [orders], ...options });
    await expect(start({ now: 'yesterday' })).rejects.toThrow('testEnvironment: now is "yesterday", which is no instant');
    await expect(start({ dags: [] })).rejects.toThrow('dags is empty');
    await expect(start({ dags: [orders, orders] })).rejects.toThrow('two dags have the id "orders"');
    await expect(start({ dags: [{}] })).rejects.toThrow('something that is no dag');
    await expect(start({ fakes: { order: {} } })).rejects.toThrow('fakes name the dag "order", which is not one of dags: orders');
    await expect(start({ fakes: { orders: { lead: 1 } } })).rejects.toThrow(
      'dag "orders" has no task "lead" that could have a fake; its tasks are load',
    );
    await expect(start({ pools: { narrow: 1.5 } })).rejects.toThrow('pool "narrow" has 1.5 slots');
  });

  test('refuses what would make its time ambiguous', async () => {
    const orders = hourly((d) => void d.task('load', { run: () => env.clock.advance({ days: 1 }) }));
    const env = await testEnvironment({ now: '2026-01-01T00:30Z', dags: [orders] });
    await expect(env.clock.advance({})).rejects.toThrow('clock.advance() was given {}; name milliseconds');
    await expect(env.clock.advanceTo('2025-01-01T00:00Z')).rejects.toThrow('time does not run back');
    await expect(env.clock.sleep({ days: 1 })).rejects.toThrow('in the test, use clock.advance()');
    const [first, second] = await Promise.allSettled([env.clock.advance({ days: 1 }), env.clock.advance({ days: 1 })]);
    expect([first.status, second.status === 'rejected' && String(second.reason)]).toEqual([
      'fulfilled',
      expect.stringContaining('await each call'),
    ]);
    expect((await env.runs('orders'))[0]?.task('load').error?.message).toContain('was called by the code of a task or a callback');
    await expect(env.runs('order')).rejects.toThrow('there is no dag "order"; its dags are orders');
    await env.close();
  });
});
