import type { JsonObject, SerializedDag } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { EXAMPLE_ORDERS } from '../../store/reads/testing/example-dags.ts';
import { markupOf } from './html.ts';
import { readTriggerForm, triggerForm } from './trigger-form.ts';

function dagWith(param: JsonObject): SerializedDag {
  return { ...EXAMPLE_ORDERS, params: { value: param } };
}

const formOf = (param: JsonObject): string => markupOf(triggerForm(dagWith(param), undefined, undefined)).replaceAll(/\s+/g, ' ');
const read = (param: JsonObject, value: string | undefined) =>
  readTriggerForm(dagWith(param), { form: 'params', ...(value === undefined ? {} : { 'param.value': value }) });

describe('triggerForm', () => {
  test.each([
    ['a text', { type: 'string', default: 'a"b' }, '<input name="param.value" value="a&quot;b" />'],
    ['a long text', { type: 'string', maxLength: 1_000 }, '<textarea name="param.value" rows="3"></textarea>'],
    ['an integer', { type: 'integer', default: 3 }, '<input type="number" name="param.value" value="3" step="1" />'],
    ['a number', { type: 'number' }, '<input type="number" name="param.value" value="" step="any" />'],
    ['a box that is ticked', { type: 'boolean', default: true }, '<input type="checkbox" name="param.value" value="true" checked />'],
    ['an empty box', { type: 'boolean' }, '<input type="checkbox" name="param.value" value="true" />'],
    ['a choice', { enum: ['eu', 2], default: 2 }, '<option value="&quot;eu&quot;">eu</option><option value="2" selected>2</option>'],
    ['the only choice', { const: 'eu' }, '<option value="&quot;eu&quot;"'],
    ['a list', { type: 'array', default: [1] }, '<textarea name="param.value" rows="5" spellcheck="false">[ 1 ]</textarea>'],
    ['what may be of several types', { type: ['string', 'null'], default: null }, 'spellcheck="false">null</textarea>'],
  ])('asks for %s', (_what, param, expected) => {
    expect(formOf(param).replaceAll(/ (?=>| \/>)/g, '')).toContain(expected.replaceAll(/ (?=>| \/>)/g, ''));
  });

  test('names a param by its title and explains it', () => {
    const form = formOf({ type: 'string', title: 'Region', description: 'Where <it> comes from' });
    expect(form).toContain('Region');
    expect(form).toContain('<small>Where &lt;it&gt; comes from</small>');
    expect(form).toContain('required');
  });

  test('keeps what was typed where it did not fit', () => {
    const given = { form: 'params', 'param.value': 'many', run_id: 'mine', note: '<b>' };
    const markup = markupOf(triggerForm(dagWith({ type: 'integer' }), given, 'is no integer'));
    expect(markup).toContain('value="many"');
    expect(markup).toContain('value="mine"');
    expect(markup).toContain('value="&lt;b&gt;"');
    expect(markup).toContain('is no integer');
  });
});

describe('readTriggerForm', () => {
  test.each([
    ['a text', { type: 'string', default: 'x' }, 'eu', { value: 'eu' }],
    ['an empty text in the place of a default', { type: 'string', default: 'x' }, '', { value: '' }],
    ['an empty text without a default as nothing', { type: 'string' }, '', {}],
    ['an integer', { type: 'integer' }, '12', { value: 12 }],
    ['a number', { type: 'number' }, '1.5e3', { value: 1_500 }],
    ['an empty number as nothing', { type: 'number', default: 3 }, '', {}],
    ['a ticked box', { type: 'boolean' }, 'true', { value: true }],
    ['an empty box', { type: 'boolean', default: true }, undefined, { value: false }],
    ['a choice by its value', { enum: ['eu', 2] }, '2', { value: 2 }],
    ['JSON', { type: 'object' }, '{"a":[1]}', { value: { a: [1] } }],
    ['empty JSON as nothing', { type: 'array', default: [] }, ' ', {}],
  ])('reads %s', (_what, param, value, conf) => {
    expect(read(param, value)).toEqual({ conf, problems: [] });
  });

  test.each([
    [{ type: 'integer' }, 'many', "value: 'many' is not a number"],
    [{ type: 'number' }, 'NaN', "value: 'NaN' is not a number"],
    [{ type: 'object' }, '{a:1}', 'value: is not JSON; a text needs double quotes around it'],
  ])('says what cannot be read', (param, value, problem) => {
    expect(read(param, value)).toEqual({ conf: {}, problems: [problem] });
  });

  test('leaves every param to its default where the plain button was pressed', () => {
    expect(readTriggerForm(EXAMPLE_ORDERS, {})).toEqual({ conf: {}, problems: [] });
  });

  test('takes no field that is no param', () => {
    expect(readTriggerForm(EXAMPLE_ORDERS, { form: 'params', 'param.other': '1', 'param.__proto__': '{}' }).conf).toEqual({ dry: false });
  });
});
