import { describe, expectTypeOf, test } from 'vitest';
import {
  asset,
  bash,
  dag,
  empty,
  type AssetEvent,
  type JsonObject,
  type JsonValue,
  type NotJson,
  type TaskContext,
  type TaskRef,
} from '../index.ts';

interface Order {
  readonly id: number;
  readonly note?: string;
}
const warehouse = asset<{ rows: number }>('warehouse');
const orders = asset<Order>('orders');
const unused = asset<{ rows: string }>('unused');

describe('a task’s value', () => {
  test('types the input of the task that names it', () => {
    dag('d', (d) => {
      const count = d.task('count', { run: () => 42 });
      const list = d.task('list', { run: async () => [{ id: 1, at: 'x' }] });
      expectTypeOf(count).toEqualTypeOf<TaskRef<number>>();
      d.task('use', {
        inputs: { count, list, header: true, names: ['a', 'b'] },
        run: (inputs) => {
          expectTypeOf(inputs.count).toEqualTypeOf<number>();
          expectTypeOf(inputs.list).toEqualTypeOf<{ id: number; at: string }[]>();
          expectTypeOf(inputs.header).toEqualTypeOf<true>();
          expectTypeOf(inputs.names).toEqualTypeOf<readonly ['a', 'b']>();
          // @ts-expect-error the input is called count
          expectTypeOf(inputs.cuont).toBeNever();
        },
      });
      // @ts-expect-error a number is no text
      d.task('wrong', { inputs: { count }, run: ({ count }: { count: string }) => count });
    });
  });

  test('keeps the name of an interface', () => {
    dag('d', (d) => {
      const order = d.task('order', { run: (): Order => ({ id: 1 }) });
      d.task('use', {
        inputs: { order },
        run: ({ order }) => {
          expectTypeOf(order).toEqualTypeOf<Order>();
        },
      });
    });
  });

  test('is null where the function returns nothing', () => {
    dag('d', (d) => {
      expectTypeOf(d.task('sync', { run: () => {} })).toEqualTypeOf<TaskRef<null>>();
      expectTypeOf(d.task('async', { run: async () => {} })).toEqualTypeOf<TaskRef<null>>();
      expectTypeOf(d.task('maybe', { run: () => (Math.random() > 2 ? 'text' : undefined) })).toEqualTypeOf<TaskRef<'text' | null>>();
      expectTypeOf(d.task('empty', empty())).toEqualTypeOf<TaskRef<null>>();
    });
  });

  test('cannot be used where JSON does not carry it', () => {
    dag('d', (d) => {
      const at = d.task('at', { run: () => ({ at: new Date(0), size: 1n }) });
      d.task('use', {
        inputs: { at },
        run: ({ at }) => {
          expectTypeOf(at).toEqualTypeOf<{ at: NotJson<Date>; size: NotJson<bigint> }>();
          // @ts-expect-error a Date does not survive
          expectTypeOf(at.at.getTime).toBeNever();
        },
      });
    });
  });

  test('is JSON where the function returns unknown', () => {
    dag('d', (d) => {
      expectTypeOf(d.task('parse', { run: () => JSON.parse('1') as unknown })).toEqualTypeOf<TaskRef<JsonValue>>();
    });
  });
});

describe('inputs', () => {
  test('may be missing under any trigger rule but all_success', () => {
    dag('d', (d) => {
      const rows = d.task('rows', { run: () => 1 });
      d.task('report', {
        inputs: { rows, unit: 'EUR' },
        triggerRule: 'all_done',
        run: ({ rows, unit }) => {
          expectTypeOf(rows).toEqualTypeOf<number | undefined>();
          expectTypeOf(unit).toEqualTypeOf<'EUR'>();
        },
      });
      d.task('explicit', {
        inputs: { rows },
        triggerRule: 'all_success',
        run: ({ rows }) => {
          expectTypeOf(rows).toEqualTypeOf<number>();
        },
      });
      // @ts-expect-error the value may be missing
      d.task('sum', { inputs: { rows }, triggerRule: 'one_success', run: ({ rows }) => rows + 1 });
    });
  });

  test('take refs and JSON and nothing else', () => {
    dag('d', (d) => {
      const rows = d.task('rows', { run: () => 1 });
      // @ts-expect-error a ref inside a list is no input
      d.task('list', { inputs: { all: [rows] }, run: () => 1 });
      // @ts-expect-error a ref inside an object is no input
      d.task('object', { inputs: { all: { rows } }, run: () => 1 });
      // @ts-expect-error a Date is not JSON
      d.task('date', { inputs: { at: new Date(0) }, run: () => 1 });
      // @ts-expect-error after takes refs
      d.task('after', { after: ['rows'], run: () => 1 });
    });
  });
});

describe('options', () => {
  test('must be known', () => {
    dag('d', (d) => {
      // @ts-expect-error it is retries
      d.task('a', { retry: 3, run: () => 1 });
      // @ts-expect-error it is retries, beside an operator too
      d.task('b', { ...bash({ command: 'true' }), retry: 3 });
      // @ts-expect-error no such trigger rule
      d.task('c', { triggerRule: 'all_sucess', run: () => 1 });
      // @ts-expect-error a duration names its unit
      d.task('d', { retryDelay: 5, run: () => 1 });
      // @ts-expect-error it is minutes
      d.task('e', { retryDelay: { minute: 5 }, run: () => 1 });
      // @ts-expect-error run is missing
      d.task('f', { retries: 1 });
    });
    // @ts-expect-error it is schedule
    dag('d', { shedule: '@daily' }, () => {});
    // @ts-expect-error a trigger rule is each task's own
    dag('d', { taskDefaults: { triggerRule: 'all_done' } }, () => {});
    // @ts-expect-error an asset's event type is text
    asset('a', { eventType: 1 });
  });

  test('of an operator can be added to without losing its types', () => {
    dag('d', (d) => {
      const file = d.task('file', { ...bash({ command: 'ls | tail -1' }), retries: 5, retryDelay: { seconds: 1 } });
      expectTypeOf(file).toEqualTypeOf<TaskRef<string>>();
      d.task('count', { ...bash({ command: 'wc -l "$INPUT_FILE"' }), inputs: { file } });
    });
    // @ts-expect-error values reach a script as variables
    bash({ command: 'true', env: { N: 1 } });
  });
});

describe('params', () => {
  const options = {
    params: {
      region: { type: 'string', enum: ['eu', 'us'], default: 'eu' },
      limit: { type: 'integer', default: 10 },
      share: { type: 'number', default: 0.5 },
      full: { type: 'boolean', default: false },
      note: { type: ['string', 'null'], default: null },
      since: { type: 'string', format: 'date', default: '2026-01-01' },
      ids: { type: 'array', items: { type: 'integer' }, default: [] },
      kind: { const: 'daily', default: 'daily' },
      free: {},
      raw: { type: 'object' },
      customer: {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name'],
      },
    },
  } as const;

  test('have the types of their schemas', () => {
    dag('d', options, (d) => {
      d.task('t', {
        run: (_, { params }) => {
          expectTypeOf(params.region).toEqualTypeOf<'eu' | 'us'>();
          expectTypeOf(params.limit).toEqualTypeOf<number>();
          expectTypeOf(params.share).toEqualTypeOf<number>();
          expectTypeOf(params.full).toEqualTypeOf<boolean>();
          expectTypeOf(params.note).toEqualTypeOf<string | null>();
          expectTypeOf(params.since).toEqualTypeOf<string>();
          expectTypeOf(params.ids).toEqualTypeOf<readonly number[]>();
          expectTypeOf(params.kind).toEqualTypeOf<'daily'>();
          expectTypeOf(params.free).toEqualTypeOf<JsonValue>();
          expectTypeOf(params.raw).toEqualTypeOf<JsonObject>();
          expectTypeOf(params.customer.name).toEqualTypeOf<string>();
          expectTypeOf(params.customer.age).toEqualTypeOf<number | undefined>();
        },
      });
    });
  });

  test('are inferred from words written in place', () => {
    dag('d', { params: { region: { type: 'string', enum: ['eu', 'us'], default: 'eu' } } }, (d) => {
      d.task('t', {
        run: (_, { params }) => {
          expectTypeOf(params.region).toEqualTypeOf<'eu' | 'us'>();
          // @ts-expect-error it is region
          if (params.regoin === 'eu') return 1;
          // @ts-expect-error there is no such region
          return params.region === 'asia';
        },
      });
    });
    // @ts-expect-error no such type
    dag('d', { params: { region: { type: 'text' } } }, () => {});
    // @ts-expect-error no such keyword
    dag('d', { params: { region: { type: 'string', defualt: 'eu' } } }, () => {});
  });

  test('are none for a dag without', () => {
    dag('d', (d) => {
      // @ts-expect-error the dag has no params
      d.task('t', { run: (_, { params }) => expectTypeOf(params.region) });
    });
  });
});

describe('events', () => {
  test('have the type of the asset that starts the dag', () => {
    dag('one', { schedule: orders }, (d) => {
      d.task('t', {
        run: (_, context) => {
          expectTypeOf(context.events()).toEqualTypeOf<readonly AssetEvent<Order>[]>();
        },
      });
    });
    dag('any', { schedule: { any: [orders, warehouse] } }, (d) => {
      d.task('t', {
        run: (_, context) => {
          expectTypeOf(context.events()).toEqualTypeOf<readonly AssetEvent<Order | { rows: number }>[]>();
        },
      });
    });
    // @ts-expect-error the text of an asset's name is not the asset
    dag('wrong', { schedule: { any: ['orders'] } }, () => {});
  });

  test('are emitted with what the asset carries, and of the task’s outlets', () => {
    dag('d', (d) => {
      d.task('t', {
        outlets: [warehouse, orders],
        run: (_, context) => {
          context.emit(warehouse, { rows: 1 });
          context.emit(orders, { id: 1 });
          // @ts-expect-error rows is a number
          context.emit(warehouse, { rows: '1' });
          // @ts-expect-error it is rows
          context.emit(warehouse, { row: 1 });
          // @ts-expect-error orders carries an Order
          context.emit(orders, { rows: 1 });
          // @ts-expect-error unused is not among the outlets
          context.emit(unused, { rows: '1' });
        },
      });
      // @ts-expect-error the task has no outlets
      d.task('none', { run: (_, context) => context.emit(warehouse, { rows: 1 }) });
      // @ts-expect-error outlets are assets
      d.task('text', { outlets: ['warehouse'], run: () => 1 });
    });
  });
});

describe('the context', () => {
  const report = (_: unknown, context: TaskContext): string => context.runId;

  test('is accepted by a function that takes any context', () => {
    dag('d', { params: { region: { type: 'string' } }, schedule: orders }, (d) => {
      d.task('plain', { run: report });
      d.task('outlets', { outlets: [warehouse], run: report });
    });
  });

  test('never comes back from skip and fail', () => {
    dag('d', (d) => {
      const file = d.task('file', { run: (_, context) => (context.tryNumber > 3 ? context.skip('late') : 'file') });
      expectTypeOf(file).toEqualTypeOf<TaskRef<string>>();
      const number = d.task('number', { run: async (_, context) => (context.tryNumber > 3 ? context.fail('late') : 1) });
      expectTypeOf(number).toEqualTypeOf<TaskRef<number>>();
    });
  });

  test('knows dates as Temporal', () => {
    expectTypeOf<TaskContext['logicalDate']>().toEqualTypeOf<Temporal.Instant | null>();
  });
});
