import type { JsonObject, JsonValue } from '@tradewind/protocol';
import type { Liquid } from 'liquidjs';
import { DefinitionError } from '../errors.ts';
import { createEngine } from './create-engine.ts';
import { isTemplate } from './load-liquid.ts';

/** What the templates of a task name. */
export interface TemplateReferences {
  readonly variables: readonly string[];
  readonly connections: readonly string[];
}

const NOTHING: TemplateReferences = { variables: [], connections: [] };

/**
 * Reads the templates of a task when it is defined: those that cannot be read are errors of the definition, and the variables and connections that they name
 * are as good as declared.
 * @throws DefinitionError naming the field
 */
export function checkTemplates(
  where: string,
  fields: JsonObject | undefined,
  templateFields: readonly string[] | undefined,
): TemplateReferences {
  if (fields === undefined || templateFields === undefined) return NOTHING;
  const missing = templateFields.find((name) => !Object.hasOwn(fields, name));
  if (missing !== undefined) throw new DefinitionError(where, `templateFields names "${missing}", which is not one of the task’s fields`);
  const texts = templateFields
    .flatMap((name) => textsIn(fields[name] ?? null).map((text) => ({ name, text })))
    .filter(({ text }) => isTemplate(text));
  if (texts.length === 0) return NOTHING;
  const engine = createEngine();
  const segments = texts.flatMap(({ name, text }) => readSegments(engine, where, name, text));
  return {
    variables: namesBehind(segments, ([root, kind, key]) => (root === 'var' && (kind === 'value' || kind === 'json') ? key : undefined)),
    connections: namesBehind(segments, ([root, connId]) => (root === 'conn' ? connId : undefined)),
  };
}

type Segments = readonly unknown[];

function readSegments(engine: Liquid, where: string, field: string, text: string): readonly Segments[] {
  try {
    return engine.globalVariableSegmentsSync(engine.parse(text));
  } catch (error) {
    const [message] = (error as Error).message.split('\n', 1);
    throw new DefinitionError(where, `field "${field}" is a template that cannot be read: ${message}`);
  }
}

/** Names that a template computes are known when it is rendered, and must be declared. */
function namesBehind(segments: readonly Segments[], nameOf: (path: Segments) => unknown): readonly string[] {
  return [...new Set(segments.map(nameOf).filter((name) => typeof name === 'string'))];
}

function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap((item: JsonValue) => textsIn(item)) : [];
}
