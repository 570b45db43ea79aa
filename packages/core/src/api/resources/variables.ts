import { decodeJson, type JsonValue } from '@tradewind/protocol';
import { z } from 'zod';
import { MASK } from '../../model/masking/masker.ts';
import { restoreMasked } from '../../model/masking/restore-masked.ts';
import { isVariableKey, variableText, type Variable } from '../../model/variables/variable.ts';
import { TradewindError } from '../../platform/errors.ts';
import { findVariable, listVariables, VARIABLE_ORDER, type StoredVariable } from '../../store/reads/variables.ts';
import { deleteVariables } from '../../store/transitions/delete-variables.ts';
import { saveVariables } from '../../store/transitions/save-variables.ts';
import { updateVariable, type VariableChange } from '../../store/transitions/update-variable.ts';
import type { ApiParts } from '../api-parts.ts';
import { list, pageQuery, query, readOrderBy, readPage, text } from '../query-schemas.ts';
import { apiRoute, emptyRoute } from '../route.ts';
import { bulkBody, bulkResponse, runBulk, type BulkActions } from './bulk.ts';

const variableBody = z.strictObject({
  key: text.refine(isVariableKey, 'a key has 1 to 250 characters, none of them a control character, and no blank at either end'),
  value: z.json(),
  description: text.nullish(),
  team_name: z.null().optional(),
});
type VariableBody = z.output<typeof variableBody>;

const variableResponse = z.object({
  key: z.string(),
  value: z.string().nullable(),
  description: z.string().nullable(),
  is_encrypted: z.boolean(),
  team_name: z.null(),
});

const read = { kind: 'role', atLeast: 'op', resource: 'variable', action: 'read' } as const;
const edit = { ...read, action: 'edit' } as const;

/** Lists the variables of the database; what is secret in them is masked. */
export const getVariables = apiRoute({
  operationId: 'get_variables',
  method: 'GET',
  url: '/api/v2/variables',
  policy: read,
  query: z.object({ ...pageQuery, variable_key_pattern: query.text, variable_key_prefix_pattern: query.text }),
  response: z.object({ variables: z.array(variableResponse), total_entries: z.int() }),
  async handler({ query: given }, parts) {
    const filter = { keyPattern: given.variable_key_pattern, keyPrefixPattern: given.variable_key_prefix_pattern };
    const orderBy = readOrderBy(given.order_by, VARIABLE_ORDER, 'id');
    const { rows, total } = await listVariables(parts.database, parts.secrets.box, { filter, page: readPage(given), orderBy });
    return { variables: rows.map((row) => toResponse(row, parts.secrets)), total_entries: total };
  },
});

/** One variable of the database. */
export const getVariable = apiRoute({
  operationId: 'get_variable',
  method: 'GET',
  url: '/api/v2/variables/{variable_key}',
  policy: read,
  params: z.object({ variable_key: text }),
  response: variableResponse,
  async handler({ params }, parts) {
    return toResponse(await requireVariable(parts, params.variable_key), parts.secrets);
  },
});

/** Creates a variable. */
export const postVariable = apiRoute({
  operationId: 'post_variable',
  method: 'POST',
  url: '/api/v2/variables',
  policy: { ...read, action: 'create' },
  body: variableBody,
  response: variableResponse,
  status: 201,
  async handler({ body }, parts) {
    const { success } = await bulkVariables(parts).create([body], 'fail');
    if (success.length === 0) throw new TradewindError('already_exists', `The Variable with key: \`${body.key}\` already exists`);
    return toResponse(await requireVariable(parts, body.key), parts.secrets);
  },
});

/** Changes a variable. A value that is only the mask stays as it is. */
export const patchVariable = apiRoute({
  operationId: 'patch_variable',
  method: 'PATCH',
  url: '/api/v2/variables/{variable_key}',
  policy: edit,
  params: z.object({ variable_key: text }),
  query: z.object({ update_mask: list(text) }),
  body: variableBody,
  response: variableResponse,
  async handler({ params, query: given, body }, parts) {
    if (params.variable_key !== body.key) {
      throw new TradewindError('bad_request', "Invalid body, key from request body doesn't match uri parameter");
    }
    await requireVariable(parts, body.key);
    await bulkVariables(parts).update([body], 'skip', given.update_mask.length === 0 ? null : given.update_mask);
    return toResponse(await requireVariable(parts, body.key), parts.secrets);
  },
});

/** Deletes a variable of the database. */
export const deleteVariable = emptyRoute({
  operationId: 'delete_variable',
  method: 'DELETE',
  url: '/api/v2/variables/{variable_key}',
  policy: { ...read, action: 'delete' },
  params: z.object({ variable_key: text }),
  async handler({ params }, { database }) {
    const deleted = await deleteVariables(database, [params.variable_key], 'those_there');
    if (deleted.length === 0) throw notFound(params.variable_key);
  },
});

/** Creates, changes and deletes several variables. */
export const bulkVariablesRoute = apiRoute({
  operationId: 'bulk_variables',
  method: 'PATCH',
  url: '/api/v2/variables',
  policy: edit,
  body: bulkBody(variableBody),
  response: bulkResponse,
  handler: ({ body }, parts) => runBulk<VariableBody>(body, bulkVariables(parts), ({ key }) => key),
});

function bulkVariables({ database, secrets, clock }: ApiParts): BulkActions<VariableBody> {
  const { box } = secrets;
  return {
    async create(entities, onExisting) {
      const variables: readonly Variable[] = lastOfEach(entities, ({ key }) => key).map((entity) => toVariable(entity));
      for (const { key, value } of variables) secrets.learnVariable(key, value);
      const success = await saveVariables(database, box, { variables, onExisting, now: clock.now() });
      const isRefused = onExisting === 'fail' && success.length < variables.length;
      return isRefused
        ? { success, error: { message: 'The variables with these keys already exist, in part or all.', statusCode: 409 } }
        : { success };
    },
    async update(entities, onMissing, mask) {
      const stored = await Promise.all(entities.map(({ key }) => findVariable(database, box, key)));
      const missing = entities.filter((_, index) => stored[index] === undefined).map(({ key }) => key);
      if (missing.length > 0 && onMissing === 'fail') {
        return { success: [], error: { message: `The variables with these keys: ${missing.join(', ')} were not found.`, statusCode: 404 } };
      }
      const success: string[] = [];
      for (const [index, entity] of entities.entries()) {
        const before = stored[index];
        if (before === undefined) continue;
        const change = toChange(entity, { ...before, shown: toResponse(before, secrets).value }, mask);
        if (change.value !== undefined) secrets.learnVariable(entity.key, change.value);
        const { outcome } = await updateVariable(database, box, { key: entity.key, change, now: clock.now() });
        if (outcome === 'updated') success.push(entity.key);
      }
      return { success };
    },
    async delete(keys, onMissing) {
      const success = await deleteVariables(database, keys, onMissing === 'fail' ? 'all_or_none' : 'those_there');
      if (success.length > 0 || keys.length === 0 || onMissing === 'skip') return { success };
      return { success, error: { message: `The variables with these keys: ${keys.join(', ')} were not all found.`, statusCode: 404 } };
    },
  };
}

/** Of a key that is given twice the last counts. */
function lastOfEach<Entity>(entities: readonly Entity[], nameOf: (entity: Entity) => string): readonly Entity[] {
  return [...new Map(entities.map((entity) => [nameOf(entity), entity])).values()];
}

function toVariable({ key, value, description }: VariableBody): Variable {
  return { key, value: variableText(value), description: description ?? null };
}

function toChange(body: VariableBody, before: ShownVariable, mask: readonly string[] | null): VariableChange {
  const isWanted = (name: string): boolean => mask === null || mask.includes(name);
  return {
    ...(isWanted('value') ? { value: restoreText(variableText(body.value), before) } : {}),
    ...(isWanted('description') && body.description !== undefined ? { description: body.description } : {}),
  };
}

/** A variable, and what of its value people are shown. */
interface ShownVariable extends StoredVariable {
  readonly shown: string | null;
}

/** What was not seen is not changed: a value that is as it was shown, is the mask, or has it inside of its JSON. */
function restoreText(changed: string, { value: before, shown }: ShownVariable): string {
  if (before === undefined || !changed.includes(MASK)) return changed;
  if (changed === MASK || changed === shown) return before;
  const [parsed, parsedBefore] = [parse(changed), parse(before)];
  return parsed === undefined || parsedBefore === undefined ? changed : JSON.stringify(restoreMasked(parsed, parsedBefore));
}

async function requireVariable({ database, secrets }: ApiParts, key: string): Promise<StoredVariable> {
  const variable = await findVariable(database, secrets.box, key);
  if (variable === undefined) throw notFound(key);
  return variable;
}

function notFound(key: string): TradewindError {
  return new TradewindError('not_found', `The Variable with key: \`${key}\` was not found`);
}

function toResponse({ key, value, description }: StoredVariable, secrets: ApiParts['secrets']): z.input<typeof variableResponse> {
  return { key, value: value === undefined ? null : maskVariable(key, value, secrets), description, is_encrypted: true, team_name: null };
}

function maskVariable(key: string, value: string, { masker }: ApiParts['secrets']): string {
  const parsed = parse(value);
  if (typeof parsed !== 'object' || parsed === null) return String(masker.maskValue(value, key));
  const masked = masker.maskValue(parsed, key);
  const text = JSON.stringify(masked);
  // Its own spelling of JSON stays where nothing in it is secret.
  return text === JSON.stringify(parsed) ? masker.mask(value) : text;
}

function parse(value: string): JsonValue | undefined {
  try {
    return decodeJson(value);
  } catch {
    return undefined;
  }
}
