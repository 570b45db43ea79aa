import { describe, expect, test } from 'vitest';
import { asset, dag, empty, SdkError } from '../index.ts';
import { runDag, type RunDagOptions } from './index.ts';

const orders = asset<{ rows: number }>('orders');

const etl = dag('etl', { params: { factor: { type: 'integer', default: 2 }, unit: { enum: ['EUR', 'USD'], default: 'EUR' } } }, (d) => {
  const rows = d.task('extract', { run: () => [1, 2, 3] });
  const total = d.task('total', {
    inputs: { rows },
    run: ({ rows }, { params }) => rows.reduce((sum, row) => sum + row, 0) * params.factor,
  });
  d.task('load', {
    inputs: { total },
    outlets: [orders],
    run: ({ total }, context) => {
      context.log.info('loading', { total, unit: context.params.unit });
      context.emit(orders, { rows: total });
    },
  });
});

describe('a run', () => {
  test('passes values from task to task and gathers events and logs', async () => {
    const result = await runDag(etl);
    expect(result.state).toBe('success');
    expect(result.task('total')).toMatchObject({ state: 'success', value: 12, tries: 1, error: undefined });
    expect(result.task('load').log).toEqual([{ level: 'info', event: 'loading', fields: { total: 12, unit: 'EUR' } }]);
    expect(result.tasks['load']?.value).toBeNull();
    expect(result.events).toEqual([{ assetName: 'orders', taskId: 'load', extra: { rows: 12 } }]);
  });

  test('takes the params it is given', async () => {
    expect((await runDag(etl, { params: { factor: 10 } })).task('total').value).toBe(60);
  });

  test('takes a value or a function in place of a task’s code', async () => {
    const result = await runDag(etl, { fakes: { extract: [5], total: ({ rows }) => rows } });
    expect(result.task('total').value).toEqual([5]);
  });

  test('gives each task its own copy of a value', async () => {
    const seen: unknown[] = [];
    const sharing = dag('sharing', (d) => {
      const rows = d.task('rows', { run: () => [1] });
      const first = d.task('first', { inputs: { rows, extra: [0] as number[] }, run: ({ rows }) => void rows.push(2) });
      d.task('second', { inputs: { rows }, after: [first], run: ({ rows }) => void seen.push(rows) });
    });
    await runDag(sharing);
    expect(seen).toEqual([[1]]);
  });

  test('has the dates it is given', async () => {
    const dated = dag('dated', (d) => {
      d.task('dates', {
        run: (_, { logicalDate, dataInterval, runAfter }) => [logicalDate, dataInterval?.start, dataInterval?.end, runAfter].map(String),
      });
    });
    const dates = {
      logicalDate: '2026-07-01T00:00:00Z',
      dataInterval: { start: '2026-07-01T00:00:00Z', end: Temporal.Instant.from('2026-07-02T00:00:00Z') },
    };
    expect((await runDag(dated, dates)).task('dates').value).toEqual([
      '2026-07-01T00:00:00Z',
      '2026-07-01T00:00:00Z',
      '2026-07-02T00:00:00Z',
      '2026-07-02T00:00:00Z',
    ]);
  });

  test('of ten tasks takes less than 50 ms', async () => {
    const ten = dag('ten', (d) => {
      let previous = d.task('t0', { run: () => 0 });
      for (let index = 1; index < 10; index += 1) {
        const before = previous;
        previous = d.task(`t${index}`, { inputs: { before }, run: ({ before }) => before + 1 });
      }
    });
    let fastestMs = Number.POSITIVE_INFINITY;
    // The machine may be busy; the fastest of several says what the run itself costs.
    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      const result = await runDag(ten);
      fastestMs = Math.min(fastestMs, performance.now() - startedAt);
      expect(result.task('t9').value).toBe(9);
    }
    expect(fastestMs).toBeLessThan(50);
  });
});

describe('a failure', () => {
  const failing = (retries: number, fail: (tryNumber: number) => unknown) =>
    dag('failing', { taskDefaults: { retryDelay: { days: 1 } } }, (d) => {
      const risky = d.task('risky', { retries, run: (_, { tryNumber }) => fail(tryNumber) as number });
      d.task('after', { inputs: { risky }, run: ({ risky }) => risky });
      d.task('report', { inputs: { risky }, triggerRule: 'all_done', run: ({ risky }) => risky ?? 'missing' });
    });

  test('is retried without waiting until a try succeeds', async () => {
    const result = await runDag(
      failing(3, (tryNumber) => {
        if (tryNumber < 3) throw new Error('not yet');
        return tryNumber;
      }),
    );
    expect(result.task('risky')).toMatchObject({ state: 'success', value: 3, tries: 3, error: undefined });
  });

  test('after the last retry fails what follows, unless its rule says otherwise', async () => {
    const result = await runDag(failing(1, () => Promise.reject(new Error('never'))));
    expect(result.task('risky')).toMatchObject({ state: 'failed', tries: 2, value: undefined, error: { kind: 'error', message: 'never' } });
    expect(result.task('after')).toMatchObject({ state: 'upstream_failed', tries: 0 });
    expect(result.task('report')).toMatchObject({ state: 'success', value: 'missing' });
    expect(result.state).toBe('failed');
  });

  test('by fail is not retried', async () => {
    const result = await runDag(
      dag('failing', (d) => {
        d.task('risky', { retries: 5, run: (_, context) => context.fail('gone for good') });
      }),
    );
    expect(result.task('risky')).toMatchObject({ state: 'failed', tries: 1, error: { kind: 'fail_without_retry' } });
  });

  test('of a task that others wait for does not fail the run where the last ones succeed, as in Airflow', async () => {
    const result = await runDag(
      dag('recovering', (d) => {
        const risky = d.task('risky', { run: () => Promise.reject(new Error('no')) });
        d.task('report', { after: [risky], triggerRule: 'all_done', run: () => 1 });
      }),
    );
    expect(result.state).toBe('success');
  });

  test('of a value that is not JSON names its path', async () => {
    expect((await runDag(etl, { fakes: { extract: { at: new Date(0) } } })).task('extract').error).toMatchObject({ kind: 'bad_value' });
  });
});

describe('a skip', () => {
  test('skips what follows and lets the run succeed', async () => {
    const result = await runDag(etl, { fakes: { extract: (_, context) => context.skip('no rows today') } });
    expect(result.task('extract')).toMatchObject({ state: 'skipped', skipReason: 'no rows today', tries: 1 });
    expect(result.task('load')).toMatchObject({ state: 'skipped', tries: 0 });
    expect(result.state).toBe('success');
  });
});

describe('an empty task', () => {
  const meeting = dag('meeting', (d) => {
    const a = d.task('a', { run: () => 1 });
    const ready = d.task('ready', { ...empty(), after: [a] });
    d.task('b', { inputs: { ready }, run: ({ ready }) => ready });
  });

  test('succeeds without a try', async () => {
    const result = await runDag(meeting);
    expect(result.task('ready')).toMatchObject({ state: 'success', tries: 0, value: null });
    expect(result.task('b').value).toBeNull();
  });

  test('follows its trigger rule', async () => {
    const result = await runDag(meeting, { fakes: { a: () => Promise.reject(new Error('no')) } });
    expect(result.task('ready').state).toBe('upstream_failed');
  });
});

describe('an event', () => {
  const report = dag(
    'report',
    { schedule: orders, params: { rows: { type: 'integer' }, unit: { type: 'string', default: 'EUR' } } },
    (d) => {
      d.task('read', { run: (_, context) => [context.params.rows, context.params.unit, context.events()[0]?.extra.rows ?? null] });
    },
  );

  test('gives its fields to the params of the same name', async () => {
    const result = await runDag(report, { events: [{ asset: orders, extra: { rows: 7 } }] });
    expect(result.task('read').value).toEqual([7, 'EUR', 7]);
  });

  test('gives way to a param that is given', async () => {
    const result = await runDag(report, { params: { rows: 8 }, events: [{ asset: orders, extra: { rows: 7 } }] });
    expect(result.task('read').value).toEqual([8, 'EUR', 7]);
  });

  test('that does not fit a param’s schema is refused', async () => {
    await expect(runDag(report, { events: [{ asset: orders, extra: { rows: 1.5 } }] })).rejects.toThrow(
      'runDag of dag "report": param "rows" does not fit its schema: Instance type "number" is invalid',
    );
  });

  test('of an asset that does not start the dag is refused', async () => {
    const other = asset<{ rows: number }>('other');
    await expect(runDag(report, { events: [{ asset: other, extra: { rows: 1 } }] })).rejects.toThrow(
      "an event is not of an asset that starts the dag; those are: 'orders'",
    );
  });
});

describe('a run is refused', () => {
  const loose = (options: unknown) => runDag(etl, options as RunDagOptions<never, never>);

  test.each([
    ['a param that the dag does not have', { params: { facto: 1 } }, '"facto" is not a param of the dag; did you mean "factor"?'],
    ['a param like none', { params: { colour: 1 } }, "\"colour\" is not a param of the dag; its params: 'factor', 'unit'"],
    [
      'a param that does not fit',
      { params: { unit: 'GBP' } },
      'param "unit" does not fit its schema: Instance does not match any of ["EUR","USD"]',
    ],
    ['params that are not JSON', { params: { factor: 1n } }, 'params are not JSON: $.factor is a BigInt'],
    ['a fake of no task', { fakes: { extrakt: 1 } }, "it has no task \"extrakt\"; its tasks are 'extract', 'total', 'load'"],
  ])('for %s', async (_, options, message) => {
    await expect(loose(options)).rejects.toThrow(SdkError);
    await expect(loose(options)).rejects.toThrow(message);
  });

  test('for a param without value', async () => {
    const needy = dag('needy', { params: { day: { type: 'string' } } }, () => {});
    await expect(runDag(needy)).rejects.toThrow('param "day" has no default and was not given; pass params: { day: … }');
  });

  test('where a result is asked of a task that does not exist', async () => {
    const result = await runDag(etl);
    expect(() => result.task('lod')).toThrow('runDag of dag "etl": it has no task "lod"');
  });
});
