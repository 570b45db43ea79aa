import { DEFAULT_MAX_MAP_LENGTH, type JsonObject, type JsonValue, type MapSource, type SerializedExpansion } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { isArgumentSets, isCombinedList, type CombinedList } from './expand.ts';
import type { Place } from './open-dag.ts';
import { checkInputName, checkOwn, readLiteral } from './read-inputs.ts';
import { showValue } from './show-value.ts';
import { isTaskRef } from './task-ref.ts';

/** How many lists deep `zip` and `concat` may be. */
const MAX_DEPTH = 8;

/**
 * Reads `expand` of a mapped task or a mapped group.
 * @throws DefinitionError for what is no list, for a literal list that is too long, and for a name that an input has already
 */
export function readExpansion(where: string, value: unknown, place: Place, inputNames: readonly string[] = []): SerializedExpansion {
  if (isArgumentSets(value)) return readSets({ where, place }, value.list, inputNames);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isTaskRef(value) || isCombinedList(value)) {
    throw new DefinitionError(
      where,
      `expand is ${showValue(value)}; name what each task instance is given, as in expand: { file: files }, or use sets(list)`,
    );
  }
  const over = Object.entries(value).map(([name, list]) => {
    checkInputName(where, name);
    if (inputNames.includes(name)) throw clash(where, name);
    return { name, source: readSource({ where, place }, `expand.${name}`, list) };
  });
  if (over.length === 0) throw new DefinitionError(where, 'expand names nothing to map over, such as expand: { file: files }');
  checkProduct(where, over);
  return { kind: 'product', over };
}

/** What a list is read against. */
interface Reading {
  readonly where: string;
  readonly place: Place;
}

function readSets(reading: Reading, list: unknown, inputNames: readonly string[]): SerializedExpansion {
  const { where } = reading;
  const source = readSource(reading, 'the list of sets()', list);
  if (source.kind !== 'literal') return { kind: 'sets', source };
  if (!Array.isArray(source.value)) throw new DefinitionError(where, 'the list of sets() is an object; give a list of objects');
  for (const [index, element] of (source.value as readonly unknown[]).entries()) {
    if (typeof element !== 'object' || element === null || Array.isArray(element)) {
      throw new DefinitionError(where, `the list of sets()[${index}] is ${showValue(element)}; each element is an object of inputs`);
    }
    const taken = Object.keys(element).find((name) => inputNames.includes(name));
    if (taken !== undefined) throw clash(where, taken);
  }
  return { kind: 'sets', source };
}

function readSource(reading: Reading, field: string, list: unknown, depth = 0): MapSource {
  const { where, place } = reading;
  if (isTaskRef(list)) {
    checkOwn(where, field, list, place);
    return { kind: 'xcom', taskId: list.taskId };
  }
  if (isCombinedList(list)) return readCombined(reading, field, list, depth);
  if (typeof list !== 'object' || list === null) {
    throw new DefinitionError(where, `${field} is ${showValue(list)}; map over a list, a record, or a task that returns one`);
  }
  const value = readLiteral(where, field, list) as readonly JsonValue[] | JsonObject;
  const length = Object.keys(value).length;
  if (length <= DEFAULT_MAX_MAP_LENGTH) return { kind: 'literal', value };
  throw new DefinitionError(
    where,
    `${field} has ${length} elements, and at most ${DEFAULT_MAX_MAP_LENGTH} are mapped over; let each task instance take a batch of them`,
  );
}

function readCombined(reading: Reading, field: string, { kind, of, fillValue }: CombinedList<unknown>, depth: number): MapSource {
  const { where } = reading;
  if (depth >= MAX_DEPTH) throw new DefinitionError(where, `${field} puts lists together more than ${MAX_DEPTH} levels deep`);
  if (!Array.isArray(of) || of.length === 0) throw new DefinitionError(where, `${field} is ${kind}() of nothing; give it a list of lists`);
  const sources = of.map((one: unknown, index) => readSource(reading, `${field}, list ${index + 1} of ${kind}()`, one, depth + 1));
  if (kind === 'concat' || fillValue === undefined) return { kind, of: sources };
  return { kind, of: sources, fillValue: readLiteral(where, `${field}, fillValue`, fillValue) };
}

/** Where all lists are literals, the number of combinations is known already. */
function checkProduct(where: string, over: readonly { readonly source: MapSource }[]): void {
  let product = 1;
  for (const { source } of over) {
    if (source.kind !== 'literal') return;
    product *= Object.keys(source.value).length;
  }
  if (product <= DEFAULT_MAX_MAP_LENGTH) return;
  throw new DefinitionError(
    where,
    `expand makes ${product} combinations, and at most ${DEFAULT_MAX_MAP_LENGTH} are mapped over; let each task instance take a batch of them`,
  );
}

function clash(where: string, name: string): DefinitionError {
  return new DefinitionError(where, `'${name}' is both an input and something to map over; leave it out of inputs`);
}
