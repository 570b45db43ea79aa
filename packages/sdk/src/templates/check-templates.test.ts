import { expect, test } from 'vitest';
import { checkTemplates } from './check-templates.ts';

test('the variables and connections that templates name are known before they are rendered', () => {
  const fields = {
    a: '{{ var.value.region }} {{ var.json.limits.rows }}',
    b: { c: ['{{ conn["warehouse"].host }}'] },
    other: '{{ var.value.no }}',
  };
  expect(checkTemplates('task', fields, ['a', 'b'])).toEqual({ variables: ['region', 'limits'], connections: ['warehouse'] });
  expect(checkTemplates('task', { a: '{{ var.value[params.key] }}' }, ['a'])).toEqual({ variables: [], connections: [] });
  expect(checkTemplates('task', undefined, undefined)).toEqual({ variables: [], connections: [] });
});

test.each([
  ['{{ ds', 'field "a" is a template that cannot be read'],
  ['{% for x in y %}', 'field "a" is a template that cannot be read'],
  ['{% include "x" %}', 'the tag include is not available'],
])('%s is an error of the definition', (a, message) => {
  expect(() => checkTemplates('dag "d", task "t"', { a }, ['a'])).toThrow(message);
});

test('a template field that does not exist is an error of the definition', () => {
  expect(() => checkTemplates('dag "d"', { a: '' }, ['b'])).toThrow('templateFields names "b", which is not one of the task’s fields');
});
