import { decodeJson, type JsonObject, type JsonValue, type SerializedDag } from '@tradewind/protocol';
import { html, type Html } from './html.ts';
import { dagPath } from './paths.ts';

/** What a form was sent with: the fields' texts, and nothing for a box that was not ticked. */
export type FormFields = Readonly<Record<string, string>>;

/** A conf read out of a form, and what could not be read. */
export interface ReadConf {
  readonly conf: JsonObject;
  readonly problems: readonly string[];
}

/** How a param is asked for. */
type Control = 'checkbox' | 'json' | 'number' | 'select' | 'text';

/** Whatever else a schema says, and whatever may be of several types, is written as JSON. */
const CONTROL_OF_TYPE: Readonly<Record<string, Control>> = { boolean: 'checkbox', integer: 'number', number: 'number', string: 'text' };

/** Keeps a param's field apart from the form's own. */
const PREFIX = 'param.';
const LONG_TEXT = 200;

/** The form that triggers a dag: one field for each param, made from its JSON Schema. `given` is what was sent last, where it did not fit. */
export function triggerForm(dag: SerializedDag, given: FormFields | undefined, problem: string | undefined): Html {
  const params = Object.entries(dag.params);
  return html`<section id="trigger">
    <h2>Trigger</h2>
    ${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
    <form class="fields" method="post" action="${dagPath(dag.dagId)}/trigger">
      <input type="hidden" name="form" value="params" />
      ${params.map(([name, schema]) => paramField(name, schema, given))}
      <label>Run id <input name="run_id" value="${given?.['run_id'] ?? ''}" placeholder="made up if left empty" /></label>
      <label>Note <input name="note" value="${given?.['note'] ?? ''}" /></label>
      <button class="primary">Trigger ${dag.displayName ?? dag.dagId}</button>
    </form>
  </section>`;
}

/**
 * Reads what the form was sent with. A field that was left empty, texts apart, leaves its param to the default. The plain button that triggers a dag
 * as it is sends no fields: an absent box is then not an empty one.
 */
export function readTriggerForm(dag: SerializedDag, fields: FormFields): ReadConf {
  if (fields['form'] !== 'params') return { conf: {}, problems: [] };
  const conf: [string, JsonValue][] = [];
  const problems: string[] = [];
  for (const [name, schema] of Object.entries(dag.params)) {
    const read = readField(controlOf(schema), schema, fields[PREFIX + name]);
    if (read === undefined) continue;
    if (read.ok) conf.push([name, read.value]);
    else problems.push(`${name}: ${read.problem}`);
  }
  return { conf: Object.fromEntries(conf), problems };
}

function paramField(name: string, schema: JsonObject, given: FormFields | undefined): Html {
  const description = textOf(schema['description']);
  return html`<label
    >${textOf(schema['title']) ?? name}${isRequired(schema) && html` <span class="required">required</span>`}
    ${input(name, schema, given)}${description !== undefined && html`<small>${description}</small>`}</label
  >`;
}

function input(name: string, schema: JsonObject, given: FormFields | undefined): Html {
  const control = controlOf(schema);
  const field = PREFIX + name;
  const value = given === undefined ? defaultText(control, schema['default']) : (given[field] ?? '');
  switch (control) {
    case 'checkbox':
      return html`<input type="checkbox" name="${field}" value="true" ${value === 'true' && html`checked`} />`;
    case 'number':
      return html`<input type="number" name="${field}" value="${value}" step="${schema['type'] === 'integer' ? '1' : 'any'}" />`;
    case 'select':
      return html`<select name="${field}">
        ${choices(schema).map((choice) => option(choice, value))}
      </select>`;
    case 'json':
      return html`<textarea name="${field}" rows="5" spellcheck="false">${value}</textarea>`;
    case 'text':
      return isLong(schema, value)
        ? html`<textarea name="${field}" rows="3">${value}</textarea>`
        : html`<input name="${field}" value="${value}" />`;
  }
}

function option(choice: JsonValue, selected: string): Html {
  const value = JSON.stringify(choice);
  return html`<option value="${value}" ${value === selected && html`selected`}>${typeof choice === 'string' ? choice : value}</option>`;
}

function controlOf(schema: JsonObject): Control {
  if (choices(schema).length > 0) return 'select';
  const { type } = schema;
  return typeof type === 'string' ? (CONTROL_OF_TYPE[type] ?? 'json') : 'json';
}

function choices(schema: JsonObject): readonly JsonValue[] {
  if (schema['const'] !== undefined) return [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as readonly JsonValue[]) : [];
}

type ReadField = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly problem: string };

function readField(control: Control, schema: JsonObject, text: string | undefined): ReadField | undefined {
  switch (control) {
    case 'checkbox':
      return { ok: true, value: text === 'true' };
    case 'text':
      return text === undefined || (text === '' && isRequired(schema)) ? undefined : { ok: true, value: text };
    case 'number': {
      if (text === undefined || text.trim() === '') return undefined;
      const value = Number(text);
      return Number.isFinite(value) ? { ok: true, value } : { ok: false, problem: `'${text}' is not a number` };
    }
    case 'select':
    case 'json':
      return text === undefined || text.trim() === '' ? undefined : readJson(text);
  }
}

function readJson(text: string): ReadField {
  try {
    return { ok: true, value: decodeJson(text) };
  } catch {
    return { ok: false, problem: `is not JSON; a text needs double quotes around it` };
  }
}

function defaultText(control: Control, value: JsonValue | undefined): string {
  if (value === undefined) return '';
  if (control === 'text' && typeof value === 'string') return value;
  return JSON.stringify(value, null, control === 'json' ? 2 : 0);
}

function isRequired(schema: JsonObject): boolean {
  return schema['default'] === undefined && schema['type'] !== 'boolean';
}

function isLong(schema: JsonObject, value: string): boolean {
  const { maxLength } = schema;
  return value.includes('\n') || value.length > LONG_TEXT || (typeof maxLength === 'number' && maxLength > LONG_TEXT);
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
