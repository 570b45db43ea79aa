import { describe, expect, test } from 'vitest';
import type { OperatorSpec } from '../authoring/task-spec.ts';
import type { TaskContext } from '../authoring/task-context.ts';
import { dag } from '../authoring/dag.ts';
import { runDag } from './run-dag.ts';

const show: OperatorSpec<unknown> = {
  operator: 'show',
  fields: { text: '{{ var.value.region }} {{ conn.db.host }} {{ params.limit }}', other: '{{ ds }}' },
  templateFields: ['text'],
  run: (_, { fields }) => fields,
};

const one = (run: (inputs: object, context: TaskContext) => unknown, more: object = {}) =>
  dag('one', (d) => {
    d.task('task', { run, ...more });
  });

describe('a variable', () => {
  const variables = { region: 'eu', limits: { rows: 5 } };

  test.each([
    ['as text', (c: TaskContext) => c.variable('region'), 'eu'],
    ['as the text of its JSON', (c: TaskContext) => c.variable('limits'), '{"rows":5}'],
    ['as JSON', (c: TaskContext) => c.variable('limits', { json: true }), { rows: 5 }],
    [
      'as what parse makes of it',
      (c: TaskContext) => c.variable('limits', { json: true, parse: (value) => Object.keys(value as object) }),
      ['rows'],
    ],
    ['with its default where there is none', (c: TaskContext) => c.variable('none', { default: null }), null],
    ['with its value where there is one', (c: TaskContext) => c.variable('region', { default: 'x' }), 'eu'],
  ])('is read %s', async (_, read, value) => {
    const result = await runDag(
      one((_inputs, context) => read(context), { variables: ['region', 'limits', 'none'] }),
      { variables },
    );
    expect(result.task('task').value).toEqual(value);
  });

  test.each([
    ['that there is none of', (c: TaskContext) => c.variable('none'), 'error', 'there is no variable "none"'],
    ['that is not declared', (c: TaskContext) => c.variable('other'), 'fail_without_retry', `add variables: ['other']`],
    ['without a name', (c: TaskContext) => c.variable(''), 'error', 'the name of a variable is a text of 1 to 250 characters'],
    ['that is not JSON', (c: TaskContext) => c.variable('region', { json: true }), 'error', 'variable "region" is not JSON'],
  ])('%s fails the try', async (_, read, kind, message) => {
    const result = await runDag(
      one((_inputs, context) => read(context), { variables: ['region', 'none'] }),
      { variables },
    );
    expect(result.task('task').error).toMatchObject({ kind, message: expect.stringContaining(message) as string });
  });
});

test('a connection is read with null for what it does not have', async () => {
  const result = await runDag(
    one((_inputs, context) => context.connection('db'), { connections: ['db'] }),
    { connections: { db: { connType: 'postgres', password: 'p', port: 5432 } } },
  );
  const nothing = { host: null, schema: null, login: null };
  expect(result.task('task').value).toEqual({ connId: 'db', connType: 'postgres', ...nothing, password: 'p', port: 5432, extra: {} });
});

test('values pushed by one task are pulled by another, and what is missing is undefined or the default', async () => {
  const pushing = dag('pushing', (d) => {
    const load = d.task('load', {
      run: async (_, { xcom }) => {
        await xcom.push('rejected', [7]);
        return 3;
      },
    });
    d.task('report', {
      after: [load],
      run: async (_, { xcom }) => [
        await xcom.pull({ taskId: 'load', key: 'rejected' }),
        await xcom.pull({ taskId: 'load' }),
        await xcom.pull({ taskId: 'load', key: 'none', default: 'nothing' }),
        (await xcom.pull({ key: 'none' })) === undefined,
      ],
    });
    d.task('bad', { run: (_, { xcom }) => xcom.push('date', new Date(0)) });
  });
  const { task } = await runDag(pushing);
  expect(task('report').value).toEqual([[7], 3, 'nothing', true]);
  expect(task('bad').error).toMatchObject({ kind: 'bad_value', message: expect.stringContaining('XCom "date"') as string });
});

test('the template fields of an operator are rendered, and what they name is declared by that', async () => {
  const templated = dag('templated', { params: { limit: { type: 'integer', default: 4 } } }, (d) => {
    d.task('show', show);
  });
  expect(templated.serialized.tasks[0]).toMatchObject({ variables: ['region'], connections: ['db'] });
  const given = { variables: { region: 'eu' }, connections: { db: { connType: 'x', host: 'h' } } };
  expect((await runDag(templated, given)).task('show').value).toEqual({ text: 'eu h 4', other: '{{ ds }}' });
  expect((await runDag(templated, { ...given, variables: {} })).task('show').error).toMatchObject({
    kind: 'error',
    message: 'TemplateError: field "text" cannot be rendered: undefined variable: var.value.region, line:1, col:4',
  });
});
