import type { JsonObject, JsonValue } from '@tradewind/protocol';
import { RequestError, TemplateError } from '../errors.ts';
import { createEngine, writeValue } from './create-engine.ts';
import { isTemplate } from './load-liquid.ts';
import { createTemplateScope, type TemplateSource } from './template-scope.ts';

/** An operator's fields, ready for its code and for people. */
export interface RenderedFields {
  /** What the operator's code is given. */
  readonly fields: JsonObject;
  /** What people are shown of the template fields. */
  readonly shown: JsonObject;
}

/** The template fields of a task. */
export interface TemplateFields {
  readonly fields: JsonObject;
  /** Names of the fields that are templates; the others stay as they are. */
  readonly templateFields: readonly string[];
  /** Names of the fields that are scripts of a shell: what their templates put in reaches the script as variables and never as text of it. */
  readonly scriptFields: readonly string[];
}

/** The field that holds the values of script fields, by the name of their variable. */
export const SCRIPT_VALUES_FIELD = 'script_values';
const SCRIPT_VALUE_PREFIX = 'TRADEWIND_VALUE_';
const SCRIPT_VALUE = /\$\{(TRADEWIND_VALUE_\d+)\}/g;

/**
 * Renders the template fields of a task, through lists and objects (keys stay).
 * @throws TemplateError naming the field, where a template cannot be rendered
 * @throws RequestError where the environment refuses what a template reads
 */
export async function renderFields(
  { fields, templateFields, scriptFields }: TemplateFields,
  source: TemplateSource,
): Promise<RenderedFields> {
  const names = templateFields.filter((name) => Object.hasOwn(fields, name));
  if (!names.some((name) => holdsTemplate(fields[name] ?? null))) return { fields, shown: pick(fields, names) };
  const scope = createTemplateScope(source);
  const values: Record<string, string> = {};
  const engines = { text: createEngine(), script: createEngine((value) => addScriptValue(values, value)) };
  const rendered: Record<string, JsonValue> = {};
  for (const name of names) {
    const engine = engines[scriptFields.includes(name) ? 'script' : 'text'];
    rendered[name] = await renderValue(fields[name] ?? null, (text) => renderText(engine, name, text, scope));
  }
  const shown = Object.entries(rendered).map(([name, value]) => [
    name,
    scriptFields.includes(name) ? withScriptValues(value, values) : value,
  ]);
  const hasValues = Object.keys(values).length > 0;
  return {
    fields: { ...fields, ...rendered, ...(hasValues ? { [SCRIPT_VALUES_FIELD]: values } : {}) },
    shown: Object.fromEntries(shown) as JsonObject,
  };
}

/** A script as people read it: with the values in the places of their variables. */
function withScriptValues(script: JsonValue, values: Readonly<Record<string, string>>): JsonValue {
  if (typeof script !== 'string') return script;
  return script.replaceAll(SCRIPT_VALUE, (variable, name: string) => values[name] ?? variable);
}

/** Hands a value to a script as a variable: the shell puts it in without reading it as a part of the script. */
function addScriptValue(values: Record<string, string>, value: unknown): string {
  const name = `${SCRIPT_VALUE_PREFIX}${Object.keys(values).length + 1}`;
  values[name] = writeValue(value);
  return `\${${name}}`;
}

function holdsTemplate(value: JsonValue): boolean {
  if (typeof value === 'string') return isTemplate(value);
  return typeof value === 'object' && value !== null && Object.values(value).some((item: JsonValue) => holdsTemplate(item));
}

async function renderValue(value: JsonValue, render: (text: string) => Promise<string>): Promise<JsonValue> {
  if (typeof value === 'string') return isTemplate(value) ? render(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((item: JsonValue) => renderValue(item, render)));
  const entries = Object.entries(value).map(async ([key, item]) => [key, await renderValue(item, render)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function renderText(engine: ReturnType<typeof createEngine>, field: string, text: string, scope: object): Promise<string> {
  try {
    return (await engine.parseAndRender(text, scope)) as string;
  } catch (error) {
    const refused = findRequestError(error);
    if (refused !== undefined) throw refused;
    throw new TemplateError(`field "${field}" cannot be rendered: ${describe(error)}`, { cause: error });
  }
}

/** The template language wraps what is thrown inside of it. */
function findRequestError(error: unknown): RequestError | undefined {
  for (let one = error; one instanceof Error; one = (one as { originalError?: unknown }).originalError) {
    if (one instanceof RequestError) return one;
  }
  return undefined;
}

/** The message without the excerpt that follows it. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? message;
}

function pick(fields: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
}
