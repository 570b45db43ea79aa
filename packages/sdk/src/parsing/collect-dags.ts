import { isDagDefinition, type DagDefinition } from '../authoring/definition.ts';

/**
 * The dags that a module exports, under whatever names; one that is exported twice counts once. Throws where an export cannot be read,
 * as happens to a `const` in a circle of imports.
 */
export function collectDags(module: object): DagDefinition[] {
  const dags = new Set<DagDefinition>();
  for (const name of Object.keys(module)) {
    const value: unknown = Reflect.get(module, name);
    if (isDagDefinition(value)) dags.add(value);
  }
  return [...dags];
}
