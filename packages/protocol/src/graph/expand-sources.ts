import type { MapSource, SerializedExpansion } from '../expansion.ts';
import type { JsonObject, JsonValue } from '../json.ts';

/** What a mapped scope runs over, once the values of its sources are known. */
export type ExpandedSources =
  | { readonly ok: true; readonly length: number; readonly inputsOf: (mapIndex: number) => JsonObject }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the lists of an expansion. A product's last list varies fastest, as in Airflow. Never throws: a value that is no list is a problem that names the input.
 *
 * @param valueOf what a task returned (for a mapped task the list of its values)
 */
export function expandSources(expansion: SerializedExpansion, valueOf: (taskId: string) => JsonValue): ExpandedSources {
  if (expansion.kind === 'sets') return readSets(readSource(expansion.source, valueOf));
  const lists: { name: string; elements: readonly JsonValue[] }[] = [];
  for (const { name, source } of expansion.over) {
    const read = readSource(source, valueOf);
    if (!read.ok) return { ok: false, problem: `what input "${name}" is to run over ${read.problem}` };
    lists.push({ name, elements: read.elements });
  }
  return {
    ok: true,
    length: lists.reduce((product, { elements }) => product * elements.length, 1),
    inputsOf(mapIndex) {
      let rest = mapIndex;
      const inputs = lists.toReversed().map(({ name, elements }) => {
        const element = elements[rest % elements.length] ?? null;
        rest = Math.floor(rest / elements.length);
        return [name, element] as const;
      });
      return Object.fromEntries(inputs.toReversed());
    },
  };
}

type ReadList = { readonly ok: true; readonly elements: readonly JsonValue[] } | { readonly ok: false; readonly problem: string };

function readSets(read: ReadList): ExpandedSources {
  if (!read.ok) return { ok: false, problem: `the list of argument sets ${read.problem}` };
  const { elements } = read;
  const bad = elements.findIndex((element) => typeof element !== 'object' || element === null || Array.isArray(element));
  if (bad !== -1) return { ok: false, problem: `argument set ${bad} is no object of inputs` };
  return { ok: true, length: elements.length, inputsOf: (mapIndex) => (elements[mapIndex] ?? {}) as JsonObject };
}

function readSource(source: MapSource, valueOf: (taskId: string) => JsonValue): ReadList {
  switch (source.kind) {
    case 'xcom':
      return readElements(valueOf(source.taskId));
    case 'literal':
      return readElements(source.value);
    case 'concat': {
      const lists = source.of.map((inner) => readSource(inner, valueOf));
      return lists.find(({ ok }) => !ok) ?? { ok: true, elements: lists.flatMap((list) => (list.ok ? list.elements : [])) };
    }
    case 'zip': {
      const lists = source.of.map((inner) => readSource(inner, valueOf));
      return lists.find(({ ok }) => !ok) ?? { ok: true, elements: zip(lists, source) };
    }
  }
}

function zip(lists: readonly ReadList[], source: { readonly fillValue?: JsonValue }): JsonValue[] {
  const columns = lists.map((list) => (list.ok ? list.elements : []));
  const lengths = columns.map(({ length }) => length);
  const length = source.fillValue === undefined ? Math.min(...lengths) : Math.max(...lengths);
  return Array.from({ length }, (_, row) =>
    columns.map((column) => (row < column.length ? (column[row] ?? null) : (source.fillValue ?? null))),
  );
}

/** An object is the list of its entries, as in Airflow. */
function readElements(value: JsonValue | readonly JsonValue[]): ReadList {
  if (Array.isArray(value)) return { ok: true, elements: value as readonly JsonValue[] };
  if (typeof value === 'object' && value !== null) return { ok: true, elements: Object.entries(value) };
  return { ok: false, problem: `is ${value === null ? 'null' : `a ${typeof value}`} and not a list or an object` };
}

/** How many elements a value has for dynamic mapping; undefined where it is neither a list nor an object. */
export function countElements(value: JsonValue): number | undefined {
  const read = readElements(value);
  return read.ok ? read.elements.length : undefined;
}
