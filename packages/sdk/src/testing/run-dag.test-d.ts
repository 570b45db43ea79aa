import { describe, expectTypeOf, test } from 'vitest';
import { asset, dag, type Dag, type JsonValue } from '../index.ts';
import { runDag, type DagRunResult } from './index.ts';

const orders = asset<{ rows: number }>('orders');
const params = { region: { type: 'string', enum: ['eu', 'us'], default: 'eu' }, limit: { type: 'integer', default: 1 } } as const;
const report = dag('report', { schedule: orders, params }, () => {});

describe('runDag', () => {
  test('takes the params of the dag, or some of them', () => {
    expectTypeOf(runDag(report, { params: { region: 'us' } })).toEqualTypeOf<Promise<DagRunResult>>();
    // @ts-expect-error it is region
    void runDag(report, { params: { regoin: 'eu' } });
    // @ts-expect-error there is no such region
    void runDag(report, { params: { region: 'asia' } });
    // @ts-expect-error limit is a number
    void runDag(report, { params: { limit: '1' } });
  });

  test('takes events as the asset types them', () => {
    void runDag(report, { events: [{ asset: orders, extra: { rows: 1 } }] });
    // @ts-expect-error rows is a number
    void runDag(report, { events: [{ asset: orders, extra: { rows: '1' } }] });
  });

  test('takes a value or a function for a fake', () => {
    void runDag(report, { fakes: { a: 1, b: null, c: [1], d: ({ rows }, context) => [rows, context.tryNumber] } });
    // @ts-expect-error it is fakes
    void runDag(report, { fake: {} });
  });

  test('takes any dag', () => {
    expectTypeOf<typeof report>().toExtend<Dag>();
    expectTypeOf(runDag).toBeCallableWith(dag('plain', () => {}));
  });

  test('gives values as JSON', () => {
    expectTypeOf<ReturnType<DagRunResult['task']>['value']>().toEqualTypeOf<JsonValue | undefined>();
  });
});
