import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import type { JsonValue } from '@tradewind/protocol';

/** Keywords whose own message only says that something below them is wrong. */
const CONTAINERS = new Set(['properties', 'items', 'additionalProperties', 'allOf', 'patternProperties']);

/** How a problem starts that lies in the schema and not in the value. */
export const UNUSABLE_SCHEMA = 'has a schema that cannot be used';

/**
 * Why a value does not fit a param's schema, as the rest of a sentence that starts with the param's name; undefined where it fits.
 * A schema that cannot be used, because of a bad pattern for one, is such a reason too.
 */
export function findParamProblem(schema: JsonValue, value: JsonValue): string | undefined {
  try {
    // The validator writes notes into the schema, which may be frozen.
    const { valid, errors } = new Validator(structuredClone(schema) as Schema, '2020-12', false).validate(value);
    if (valid) return undefined;
    return errors
      .filter(({ keyword }) => !CONTAINERS.has(keyword))
      .map(describe)
      .slice(0, 3)
      .join('; ');
  } catch (error) {
    return `${UNUSABLE_SCHEMA}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function describe({ instanceLocation, error }: OutputUnit): string {
  const place = instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.');
  const problem = error.replace(/\.$/, '');
  return place === '' ? problem : `${place}: ${problem}`;
}
