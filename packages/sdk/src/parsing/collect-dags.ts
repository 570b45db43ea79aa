import { isDagDefinition, type DagDefinition } from '../authoring/definition.ts';

/**
 * The dags that a module exports, under whatever names, by themselves or in lists and records, as a loop makes them; one that is exported twice counts once. Throws where an export
 * cannot be read, as happens to a `const` in a circle of imports.
 */
export function collectDags(module: object): DagDefinition[] {
  const dags = new Set<DagDefinition>();
  for (const name of Object.keys(module)) {
    const value: unknown = Reflect.get(module, name);
    for (const one of isDagDefinition(value) ? [value] : membersOf(value)) if (isDagDefinition(one)) dags.add(one);
  }
  return [...dags];
}

/** What a list or a plain record holds; nothing of anything else. */
function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.values(value);
}
