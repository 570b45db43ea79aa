import type { ActionOnExisting } from './formats.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';

/** Entities for one of the API's bulk routes. */
export interface EntityImport {
  readonly path: '/api/v2/variables' | '/api/v2/connections';
  readonly entities: readonly Readonly<Record<string, unknown>>[];
  readonly onExisting: ActionOnExisting;
}

/** The API takes bodies of up to a mebibyte. */
const MOST_CHARACTERS = 300_000;

/**
 * Creates the entities, a request's worth at a time.
 * @returns the names of those that were saved
 * @throws TradewindError `already_exists` where some exist and the import is to fail then; of a large import the requests before stay
 */
export async function importEntities(
  session: EnvironmentSession,
  { path, entities, onExisting }: EntityImport,
): Promise<readonly string[]> {
  const saved: string[] = [];
  for (const part of partsOf(entities)) {
    const body = { actions: [{ action: 'create', entities: part, action_on_existence: onExisting }] };
    const { create } = (await session.ask({ method: 'PATCH', path, body })) as {
      readonly create: { readonly success: readonly string[]; readonly errors: readonly { readonly error: string }[] };
    };
    saved.push(...create.success);
    const [refused] = create.errors;
    if (refused !== undefined) {
      throw new TradewindError('already_exists', `nothing was imported: ${refused.error} Import with -a overwrite or -a skip.`);
    }
  }
  return saved;
}

function partsOf(entities: EntityImport['entities']): EntityImport['entities'][] {
  const parts: Readonly<Record<string, unknown>>[][] = [];
  let size = MOST_CHARACTERS;
  for (const entity of entities) {
    const length = JSON.stringify(entity).length;
    if (size + length > MOST_CHARACTERS) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(entity);
    size += length;
  }
  return parts;
}
