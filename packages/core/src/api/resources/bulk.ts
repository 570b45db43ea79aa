import { z } from 'zod';

/** What is to be done with several entities, as Airflow's bulk routes take it. */
export function bulkBody<Entity extends z.ZodType>(entity: Entity) {
  const onMissing = z.enum(['fail', 'skip']).default('fail');
  return z.strictObject({
    actions: z.array(
      z.discriminatedUnion('action', [
        z.strictObject({
          action: z.literal('create'),
          entities: z.array(entity),
          action_on_existence: z.enum(['fail', 'skip', 'overwrite']).default('fail'),
        }),
        z.strictObject({
          action: z.literal('update'),
          entities: z.array(entity),
          update_mask: z.array(z.string()).nullish(),
          action_on_non_existence: onMissing,
        }),
        z.strictObject({
          action: z.literal('delete'),
          entities: z.array(z.union([z.string(), entity])),
          action_on_non_existence: onMissing,
        }),
      ]),
    ),
  });
}

const actionResponse = z.object({ success: z.array(z.string()), errors: z.array(z.record(z.string(), z.unknown())) });

/** What became of each kind of action; null for those that were not asked for. */
export const bulkResponse = z.object({
  create: actionResponse.nullable(),
  update: actionResponse.nullable(),
  delete: actionResponse.nullable(),
});

/** What a bulk action did. */
export interface BulkResult {
  readonly success: readonly string[];
  /** Why nothing of it was done; undefined where it was. */
  readonly error?: { readonly message: string; readonly statusCode: 404 | 409 };
}

/** How the actions on one kind of entity are carried out. */
export interface BulkActions<Entity> {
  create(entities: readonly Entity[], onExisting: 'fail' | 'skip' | 'overwrite'): Promise<BulkResult>;
  update(entities: readonly Entity[], onMissing: 'fail' | 'skip', mask: readonly string[] | null): Promise<BulkResult>;
  delete(names: readonly string[], onMissing: 'fail' | 'skip'): Promise<BulkResult>;
}

/** One action as the schema reads it. */
type BulkAction<Entity> =
  | { readonly action: 'create'; readonly entities: readonly Entity[]; readonly action_on_existence: 'fail' | 'skip' | 'overwrite' }
  | {
      readonly action: 'update';
      readonly entities: readonly Entity[];
      readonly update_mask?: readonly string[] | null | undefined;
      readonly action_on_non_existence: 'fail' | 'skip';
    }
  | { readonly action: 'delete'; readonly entities: readonly (string | Entity)[]; readonly action_on_non_existence: 'fail' | 'skip' };

/** Carries the actions out, one after the other. */
export async function runBulk<Entity>(
  body: { readonly actions: readonly BulkAction<Entity>[] },
  actions: BulkActions<Entity>,
  nameOf: (entity: Entity) => string,
): Promise<z.input<typeof bulkResponse>> {
  const done: { [Kind in 'create' | 'update' | 'delete']: z.input<typeof actionResponse> | null } = {
    create: null,
    update: null,
    delete: null,
  };
  for (const one of body.actions) {
    const result = await runAction(one, actions, nameOf);
    const errors = result.error === undefined ? [] : [{ error: result.error.message, status_code: result.error.statusCode }];
    const before = done[one.action];
    done[one.action] = { success: [...(before?.success ?? []), ...result.success], errors: [...(before?.errors ?? []), ...errors] };
  }
  return done;
}

function runAction<Entity>(one: BulkAction<Entity>, actions: BulkActions<Entity>, nameOf: (entity: Entity) => string): Promise<BulkResult> {
  switch (one.action) {
    case 'create':
      return actions.create(one.entities, one.action_on_existence);
    case 'update':
      return actions.update(one.entities, one.action_on_non_existence, one.update_mask ?? null);
    case 'delete':
      return actions.delete(
        one.entities.map((entity) => (typeof entity === 'string' ? entity : nameOf(entity))),
        one.action_on_non_existence,
      );
  }
}
